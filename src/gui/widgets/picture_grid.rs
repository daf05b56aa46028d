//! A grid of equal tiles that draws only what is seen, so that a hundred thousand images cost as much as
//! thirty; with a cursor, click, ctrl, shift and the arrow keys. Knows tiles by position, not what they show.

use std::ops::Range;

use egui::{Event, Id, Key, Modifiers, Rect, Response, ScrollArea, Sense, Ui, pos2, vec2};

/// Gap between tiles.
const GAP: f32 = 8.0;

/// How a grid is laid out.
#[derive(Clone, Copy, Debug)]
pub struct Grid<'a> {
    /// Tells grids apart.
    pub salt: &'a str,
    pub count: usize,
    /// Least side of a tile in points.
    pub tile: f32,
    /// The tile that has the keyboard.
    pub cursor: Option<usize>,
    /// Scroll so that the cursor is seen.
    pub reveal: bool,
}

/// What happened in a frame.
#[derive(Clone, Debug, Default)]
pub struct GridOutput {
    pub columns: usize,
    /// Tiles that were drawn.
    pub visible: Range<usize>,
    pub clicked: Option<(usize, Modifiers)>,
    pub double_clicked: Option<usize>,
}

impl Grid<'_> {
    /// Draws the grid in all the room there is. `paint` draws a tile and names it in the accessibility tree.
    pub fn show(self, ui: &mut Ui, mut paint: impl FnMut(&mut Ui, Rect, usize, &Response)) -> GridOutput {
        let mut output = GridOutput::default();
        // The width without the scroll bar, so that the columns do not jump when it comes.
        let width = ui.available_width() - ui.spacing().scroll.allocated_width();
        output.columns = (((width + GAP) / (self.tile + GAP)).floor() as usize).max(1);
        let columns = output.columns;
        // Tiles grow until the columns fill the width.
        let tile = ((width + GAP) / columns as f32 - GAP).floor().max(self.tile.min(width));
        let step = tile + GAP;
        let rows = self.count.div_ceil(columns);
        let id = ui.make_persistent_id(self.salt);
        let focus_moves = self.reveal && ui.ctx().memory(|m| m.focused()).is_some_and(|f| is_tile(ui, id, f));
        ScrollArea::vertical().id_salt(self.salt).auto_shrink([false, false]).show_viewport(
            ui,
            |ui, viewport| {
                ui.set_width(width);
                ui.set_height((rows as f32 * step - GAP).max(0.0));
                let (left, top) = (ui.max_rect().left(), ui.max_rect().top());
                // In f64, and from the seen edge: at two million points f32 has quarters left.
                let seen_top = f64::from(top) + f64::from(viewport.top());
                let rect_of = |index: usize| {
                    let row_top = (index / columns) as f64 * f64::from(step) - f64::from(viewport.top());
                    let x = left + (index % columns) as f32 * step;
                    let min = pos2(x.round(), (seen_top + row_top).round() as f32);
                    Rect::from_min_size(min, vec2(tile, tile))
                };
                if let Some(cursor) = self.cursor.filter(|&c| self.reveal && c < self.count) {
                    ui.scroll_to_rect_animation(
                        rect_of(cursor).expand(GAP),
                        None,
                        egui::style::ScrollAnimation::none(),
                    );
                }
                let first =
                    ((f64::from(viewport.top()) / f64::from(step)).floor().max(0.0) as usize) * columns;
                let last_row = (f64::from(viewport.bottom()) / f64::from(step)).ceil().max(0.0) as usize;
                let last = (last_row * columns).min(self.count);
                output.visible = first.min(last)..last;
                for index in output.visible.clone() {
                    let rect = rect_of(index);
                    // One stop for the Tab key: the cursor, or the first tile where there is none.
                    let stop = self.cursor.map_or(index == first, |cursor| cursor == index);
                    let sense = if stop { Sense::click() } else { Sense::CLICK };
                    let response = ui.interact(rect, id.with(index), sense);
                    if stop && focus_moves {
                        response.request_focus();
                    }
                    if response.has_focus() {
                        ui.ctx().data_mut(|data| data.insert_temp(id, response.id));
                    }
                    paint(ui, rect, index, &response);
                    if response.double_clicked() {
                        output.double_clicked = Some(index);
                    } else if response.clicked() {
                        output.clicked = Some((index, ui.input(|i| i.modifiers)));
                    }
                }
            },
        );
        output
    }
}

/// True where the focused widget is the tile of this grid that last had the focus.
fn is_tile(ui: &Ui, grid: Id, focused: Id) -> bool {
    ui.ctx().data(|data| data.get_temp::<Id>(grid)) == Some(focused)
}

/// Takes every press of the arrow, page, home and end keys of this frame; where the cursor goes by all of them,
/// and whether shift was held at the last.
///
/// `place` is the cursor's place among `count`. Call it only where no text box has the keyboard.
pub fn take_move(ui: &Ui, place: Option<usize>, count: usize, columns: usize) -> Option<(usize, bool)> {
    if count == 0 || ui.ctx().text_edit_focused() {
        return None;
    }
    let page = columns * 4;
    let last = count - 1;
    /// From place, stride and last place to the new place.
    type Go = fn(usize, usize, usize) -> usize;
    let keys: [(Key, Go, usize); 8] = [
        (Key::ArrowLeft, |p, by, _| p.saturating_sub(by), 1),
        (Key::ArrowRight, |p, by, last| (p + by).min(last), 1),
        (Key::ArrowUp, |p, by, _| if p >= by { p - by } else { p }, columns),
        (Key::ArrowDown, |p, by, last| if p + by <= last { p + by } else { last.max(p) }, columns),
        (Key::PageUp, |p, by, _| p.saturating_sub(by), page),
        (Key::PageDown, |p, by, last| (p + by).min(last), page),
        (Key::Home, |_, _, _| 0, 0),
        (Key::End, |_, _, last| last, 0),
    ];
    let mut moved: Option<(usize, bool)> = None;
    ui.input_mut(|input| {
        input.events.retain(|event| {
            let Event::Key { key: pressed_key, modifiers, pressed: true, .. } = event else { return true };
            let Some((key, go, by)) = keys.iter().find(|(key, ..)| key == pressed_key) else { return true };
            if !modifiers.matches_logically(Modifiers::NONE) {
                return true;
            }
            let from_nowhere = if *key == Key::End { last } else { 0 };
            let at = moved.map(|(next, _)| next).or(place);
            let next = at.map_or(from_nowhere, |at| go(at.min(last), *by, last));
            moved = Some((next, modifiers.shift));
            false
        });
    });
    moved
}
