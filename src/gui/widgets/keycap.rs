//! A key drawn as a key, and lines of keys with what they do.

use egui::{FontId, Response, Role, Sense, StrokeKind, Ui, WidgetInfo, vec2};

use crate::gui::theme::{SMALL, muted, tokens};

/// One key.
pub fn keycap(ui: &mut Ui, key: &str) -> Response {
    let t = tokens(ui);
    let galley = ui.painter().layout_no_wrap(key.to_owned(), FontId::monospace(11.0), t.text);
    let size = vec2((galley.size().x + 10.0).max(18.0), 18.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, key));
    if ui.is_rect_visible(rect) {
        let stroke = egui::Stroke::new(1.0, t.line);
        ui.painter().rect(rect, 4.0, t.raised, stroke, StrokeKind::Inside);
        let place = rect.center() - galley.size() / 2.0;
        ui.painter().galley(place, galley, t.text);
    }
    response
}

/// Keys and their meaning in wrapped lines, for the foot of a panel.
pub fn key_line(ui: &mut Ui, keys: &[(&str, &str)]) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(5.0, 6.0);
        for (key, meaning) in keys {
            // Several keys for one meaning are separated by spaces.
            for one in key.split(' ') {
                keycap(ui, one);
            }
            ui.label(muted(ui, *meaning).size(SMALL));
            ui.add_space(6.0);
        }
    });
}
