//! The look: tokens, class colours, text styles and egui's visuals, in one place.
//!
//! Colours come from here and from nowhere else. Views ask [`tokens`] for the theme in force.

use std::collections::BTreeMap;

use egui::epaint::Shadow;
use egui::{
    Color32, CornerRadius, FontFamily, FontId, Margin, RichText, Stroke, Style, TextStyle, Theme, Ui,
    Visuals, vec2,
};

use super::state::ThemeChoice;
use crate::domain::classes::ClassId;
use crate::domain::decisions::Decision;

/// Colours of one theme.
#[derive(Debug)]
pub struct Tokens {
    pub dark: bool,
    pub background: Color32,
    pub panel: Color32,
    pub raised: Color32,
    pub line: Color32,
    pub text: Color32,
    pub muted: Color32,
    /// Hints only, never facts: its contrast is below AA.
    pub faint: Color32,
    pub accent: Color32,
    /// Ground behind accented things, for example the chosen workspace.
    pub accent_ground: Color32,
    /// Text on a surface filled with [`Tokens::accent`] or [`Tokens::accepted`].
    pub on_accent: Color32,
    pub accepted: Color32,
    pub rejected: Color32,
    pub warning: Color32,
    pub failure: Color32,
    /// Okabe-Ito.
    pub classes: [Color32; 7],
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

/// The dark theme.
pub static DARK: Tokens = Tokens {
    dark: true,
    background: rgb(0x15171a),
    panel: rgb(0x1b1e22),
    raised: rgb(0x23272c),
    line: rgb(0x2f343a),
    text: rgb(0xe6e8ea),
    muted: rgb(0x9aa3ab),
    faint: rgb(0x6b747c),
    accent: rgb(0x4cc2c4),
    accent_ground: rgb(0x17393b),
    on_accent: rgb(0x0b1a1b),
    accepted: rgb(0x56b4e9),
    rejected: rgb(0xe69f00),
    warning: rgb(0xf0c05a),
    failure: rgb(0xe5705c),
    classes: [
        rgb(0x5aa9e6),
        rgb(0xcc79a7),
        rgb(0x009e73),
        rgb(0xe69f00),
        rgb(0x56b4e9),
        rgb(0xd55e00),
        rgb(0xf0e442),
    ],
};

/// The light theme.
pub static LIGHT: Tokens = Tokens {
    dark: false,
    background: rgb(0xf4f5f6),
    panel: rgb(0xffffff),
    raised: rgb(0xf0f2f3),
    line: rgb(0xdcdfe2),
    text: rgb(0x1d2226),
    muted: rgb(0x5c666e),
    faint: rgb(0x8a949b),
    accent: rgb(0x0d7c80),
    accent_ground: rgb(0xd9eff0),
    on_accent: rgb(0xffffff),
    accepted: rgb(0x0072b2),
    rejected: rgb(0xb36b00),
    warning: rgb(0x8a6100),
    failure: rgb(0xb23a26),
    classes: [
        rgb(0x0072b2),
        rgb(0xcc79a7),
        rgb(0x009e73),
        rgb(0xe69f00),
        rgb(0x56b4e9),
        rgb(0xd55e00),
        rgb(0xf0e442),
    ],
};

/// Spacing in points.
pub mod space {
    pub const XS: f32 = 4.0;
    pub const S: f32 = 8.0;
    pub const M: f32 = 12.0;
    pub const L: f32 = 16.0;
}

/// Sizes of the frame in points.
pub mod size {
    pub const TOP: f32 = 46.0;
    pub const RAIL: f32 = 76.0;
    pub const CLASSES: f32 = 268.0;
    pub const STATUS: f32 = 30.0;
    /// The bar of tools above a workspace.
    pub const TOOLS: f32 = 48.0;
    /// The panel at the right of a workspace.
    pub const DETAIL: f32 = 344.0;
    /// Height of a control.
    pub const CONTROL: f32 = 28.0;
}

/// Corner radius of controls and tiles.
pub const RADIUS: u8 = 6;
/// Corner radius of cards and sheets.
pub const RADIUS_LARGE: u8 = 8;
/// Text on black over a picture, and the ground behind it; the same in both themes, as pictures are.
pub const ON_PICTURE: Color32 = Color32::from_rgb(240, 242, 244);
pub const PICTURE_GROUND: Color32 = Color32::BLACK;
/// Ground of labels that lie on a picture.
pub const PICTURE_LABEL: Color32 = Color32::from_black_alpha(176);

/// The tokens of the theme in force.
pub fn tokens(ui: &Ui) -> &'static Tokens {
    if ui.visuals().dark_mode { &DARK } else { &LIGHT }
}

/// A class keeps its colour for ever: it follows its place in the natural order.
pub fn class_colour(tokens: &Tokens, class: ClassId) -> Color32 {
    tokens.classes[class % tokens.classes.len()]
}

/// After seven classes the colours repeat, told apart by a second pattern of dots.
pub const fn class_is_dotted(class: ClassId) -> bool {
    (class / 7) % 2 == 1
}

/// Colour of a decision: accepted, rejected, or the line where nothing is decided.
pub const fn decision_colour(tokens: &Tokens, decision: Decision) -> Color32 {
    match decision {
        Decision::Accepted => tokens.accepted,
        Decision::Rejected => tokens.rejected,
        Decision::Undecided => tokens.line,
    }
}

/// Small text: captions, keys.
pub const SMALL: f32 = 11.5;

/// A heading of a section of a panel.
pub fn section(ui: &Ui, text: &str) -> RichText {
    RichText::new(text).size(12.5).strong().color(tokens(ui).muted)
}

/// A fact's name, beside its value.
pub fn muted(ui: &Ui, text: impl Into<String>) -> RichText {
    RichText::new(text).color(tokens(ui).muted)
}

/// A hint; never a fact.
pub fn hint(ui: &Ui, text: impl Into<String>) -> RichText {
    RichText::new(text).size(SMALL).color(tokens(ui).faint)
}

/// A caption that states a fact in small text.
pub fn caption(ui: &Ui, text: impl Into<String>) -> RichText {
    RichText::new(text).size(SMALL).color(tokens(ui).muted)
}

/// Installs the fonts and both themes.
pub fn install(ctx: &egui::Context) {
    super::fonts::install(ctx);
    ctx.set_style_of(Theme::Dark, style(&DARK));
    ctx.set_style_of(Theme::Light, style(&LIGHT));
    ctx.options_mut(|options| {
        options.zoom_with_keyboard = false;
        options.quit_shortcuts.clear();
        options.fallback_theme = Theme::Dark;
    });
}

/// Puts a choice in force.
pub fn choose(ctx: &egui::Context, choice: ThemeChoice) {
    ctx.set_theme(match choice {
        ThemeChoice::System => egui::ThemePreference::System,
        ThemeChoice::Light => egui::ThemePreference::Light,
        ThemeChoice::Dark => egui::ThemePreference::Dark,
    });
}

fn style(t: &Tokens) -> Style {
    let mut style = Style { visuals: visuals(t), ..Style::default() };
    let text = |points| FontId::new(points, FontFamily::Proportional);
    style.text_styles = BTreeMap::from([
        (TextStyle::Small, text(SMALL)),
        (TextStyle::Body, text(13.0)),
        (TextStyle::Button, text(13.0)),
        (TextStyle::Heading, text(18.0)),
        (TextStyle::Monospace, FontId::new(12.5, FontFamily::Monospace)),
    ]);
    let s = &mut style.spacing;
    s.item_spacing = vec2(space::S, space::S);
    s.button_padding = vec2(10.0, 5.0);
    s.interact_size = vec2(40.0, size::CONTROL);
    s.window_margin = Margin::same(16);
    s.menu_margin = Margin::same(6);
    s.icon_width = 16.0;
    s.icon_width_inner = 9.0;
    s.icon_spacing = 8.0;
    s.combo_width = 140.0;
    s.slider_width = 140.0;
    s.slider_rail_height = 4.0;
    s.tooltip_width = 360.0;
    s.scroll = egui::style::ScrollStyle::solid();
    s.scroll.bar_width = 8.0;
    // What stands at the right edge keeps clear of the bar.
    s.scroll.bar_inner_margin = 8.0;
    s.scroll.bar_outer_margin = 0.0;
    style.interaction.tooltip_delay = 0.4;
    style.interaction.selectable_labels = false;
    style.animation_time = 0.12;
    style
}

fn visuals(t: &Tokens) -> Visuals {
    let mut v = if t.dark { Visuals::dark() } else { Visuals::light() };
    let radius = CornerRadius::same(RADIUS);
    v.weak_text_color = Some(t.muted);
    v.hyperlink_color = t.accent;
    v.faint_bg_color = t.raised;
    v.extreme_bg_color = if t.dark { t.background } else { t.panel };
    v.text_edit_bg_color = Some(if t.dark { t.raised } else { t.panel });
    v.code_bg_color = t.raised;
    v.warn_fg_color = t.warning;
    v.error_fg_color = t.failure;
    v.window_corner_radius = CornerRadius::same(RADIUS_LARGE);
    v.menu_corner_radius = CornerRadius::same(RADIUS_LARGE);
    v.window_fill = t.panel;
    v.window_stroke = Stroke::new(1.0, t.line);
    v.panel_fill = t.background;
    let shadow = Color32::from_black_alpha(if t.dark { 110 } else { 36 });
    v.window_shadow = Shadow { offset: [0, 8], blur: 24, spread: 0, color: shadow };
    v.popup_shadow = Shadow { offset: [0, 4], blur: 12, spread: 0, color: shadow };
    v.selection.bg_fill = t.accent_ground;
    v.selection.stroke = Stroke::new(1.0, t.accent);
    v.slider_trailing_fill = true;
    v.handle_shape = egui::style::HandleShape::Circle;
    v.striped = false;
    // Switched off is still read: above 4.5 to 1 for text in both themes.
    v.disabled_alpha = 0.65;
    v.indent_has_left_vline = false;
    v.text_cursor.stroke = Stroke::new(2.0, t.accent);

    let w = &mut v.widgets;
    let thin = |colour: Color32| Stroke::new(1.0, colour);
    let ground = t.accent_ground;
    for (widget, fill, weak_fill, border) in [
        (&mut w.noninteractive, t.panel, t.panel, thin(t.line)),
        (&mut w.inactive, t.line, t.raised, thin(t.line)),
        (&mut w.hovered, t.line, blend(t.raised, t.text, 0.06), thin(blend(t.line, t.text, 0.25))),
        // Pressed, and what has the keyboard: the accent says it, in both themes.
        (&mut w.active, ground, ground, Stroke::new(2.0, t.accent)),
        (&mut w.open, t.raised, t.raised, thin(t.accent)),
    ] {
        widget.bg_fill = fill;
        widget.weak_bg_fill = weak_fill;
        widget.bg_stroke = border;
        widget.fg_stroke = thin(t.text);
        widget.corner_radius = radius;
        widget.expansion = 0.0;
    }
    v
}

/// `a` with a share of `b`, in \[0, 1\], per channel.
pub fn blend(a: Color32, b: Color32, share: f32) -> Color32 {
    let mix = |x: u8, y: u8| (f32::from(x) + (f32::from(y) - f32::from(x)) * share).round() as u8;
    Color32::from_rgb(mix(a.r(), b.r()), mix(a.g(), b.g()), mix(a.b(), b.b()))
}
