//! Fonts: egui's own, with the monospace one behind the proportional one for arrows and signs it lacks. Other
//! scripts come from the system: eframe's `system_fonts` finds a font for a character when it is first shown.

use egui::{Context, FontDefinitions, FontFamily};

/// Installs the fonts.
pub fn install(ctx: &Context) {
    let mut fonts = FontDefinitions::default();
    let monospace = fonts.families.get(&FontFamily::Monospace).and_then(|names| names.first()).cloned();
    let proportional = fonts.families.entry(FontFamily::Proportional).or_default();
    if let Some(name) = monospace.filter(|name| !proportional.contains(name)) {
        // Behind the text font, before the emoji fonts.
        let place = proportional.len().min(1);
        proportional.insert(place, name);
    }
    ctx.set_fonts(fonts);
}
