//! Data: every image of the folder in a gallery, labels to correct, images to exclude, splits to cut off, and
//! how images become training images.

use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::Arc;

use egui::{
    Align, Align2, CentralPanel, ComboBox, CornerRadius, Frame, Key, Label, Layout, Margin, Modifiers, Panel,
    Rect, Response, Role, ScrollArea, Sense, Slider, Stroke, StrokeKind, TextEdit, Ui, WidgetInfo, pos2,
    vec2,
};

use crate::domain::provenance::Kind;
use crate::domain::samples::{Dataset, SIZES, Sample};
use crate::domain::splits::{Shares, Split};
use crate::gui::command::{Action, Command};
use crate::gui::icons::{self, Icon};
use crate::gui::regions::Region;
use crate::gui::state::{ProjectState, Sheet, State};
use crate::gui::textures::{PictureKey, Shown, Textures};
use crate::gui::theme::{
    PICTURE_GROUND, RADIUS, RADIUS_LARGE, caption, class_colour, muted, section, size, space, tokens,
};
use crate::gui::tiles::Reach;
use crate::gui::widgets::class_panel::fact;
use crate::gui::widgets::empty_state::{empty, hint_line, loading};
use crate::gui::widgets::histogram::{class_swatch, picture_label};
use crate::gui::widgets::keycap::keycap;
use crate::gui::widgets::picture_grid::{Grid, take_move};
use crate::gui::widgets::status_bar::{bytes_words, counted, number};
use crate::imaging::resize::Fit;

/// Id of the box that finds files; the app gives it the keyboard.
pub const FIND_BOX: &str = "find a file";

/// Paints the Data workspace.
pub fn data_ui(ui: &mut Ui, state: &mut State, textures: &mut Textures, out: &mut Vec<Action>) {
    let Some(project) = state.project.as_ref() else { return };
    let dataset = project.dataset.clone();
    if dataset.samples.is_empty() {
        Region::Main.mark(ui);
        empty(
            ui,
            Icon::Data,
            "No image could be read",
            "The folder has no image that counterpoise reads.",
            |ui| {
                if ui.button("Show unreadable files").clicked() {
                    out.push(Action::OpenSheet(Sheet::Files));
                }
                if ui.button(Command::OpenFolder.text()).clicked() {
                    out.push(Action::Do(Command::OpenFolder));
                }
            },
        );
        return;
    }
    state.data.refresh(&dataset, state.class_filter);
    keys(ui, state, &dataset, out);
    let t = tokens(ui);
    Panel::top("data tools")
        .exact_size(size::TOOLS)
        .frame(Frame::new().fill(t.background).inner_margin(Margin::symmetric(16, 0)))
        .show(ui, |ui| {
            Region::Tools.mark(ui);
            tools_ui(ui, state, &dataset);
        });
    Panel::right("data detail")
        .default_size(size::DETAIL)
        .size_range(260.0..=520.0)
        .frame(Frame::new().fill(t.panel).inner_margin(Margin::same(16)))
        .show(ui, |ui| {
            Region::Right.mark(ui);
            ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
                detail_ui(ui, state, &dataset, textures, out);
            });
        });
    CentralPanel::no_frame().frame(Frame::new().fill(t.background).inner_margin(Margin::same(16))).show(
        ui,
        |ui| {
            Region::Main.mark(ui);
            if !dataset.has_splits && !state.data.splits_later && state.can_edit() {
                splits_ui(ui, state, out);
                ui.add_space(space::S);
            }
            gallery_ui(ui, state, &dataset, textures);
        },
    );
}

fn tools_ui(ui: &mut Ui, state: &mut State, dataset: &Dataset) {
    let t = tokens(ui);
    ui.horizontal_centered(|ui| {
        let view = &mut state.data;
        let edit = TextEdit::singleline(&mut view.find)
            .id(egui::Id::unique(FIND_BOX))
            .hint_text("Find in paths")
            .desired_width((ui.available_width() * 0.3).clamp(110.0, 220.0))
            .margin(Margin::symmetric(10, 5));
        ui.add(edit).accessible_name("Find in paths");
        if dataset.has_splits {
            let word = |split: Option<Split>| match split {
                None => "All splits",
                Some(Split::Train) => "Training",
                Some(Split::Validation) => "Validation",
                Some(Split::Test) => "Test",
            };
            let combo = ComboBox::from_id_salt("split").width(110.0).selected_text(word(view.split));
            let shown = combo.show_ui(ui, |ui| {
                for split in [None, Some(Split::Train), Some(Split::Validation), Some(Split::Test)] {
                    ui.selectable_value(&mut view.split, split, word(split));
                }
            });
            shown.response.accessible_name("Split");
        }
        ui.checkbox(&mut view.show_excluded, "Excluded");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().slider_width = if ui.available_width() < 200.0 { 64.0 } else { 108.0 };
            let slider = Slider::new(&mut view.tiles.side, 56.0..=280.0).show_value(false);
            ui.add(slider).accessible_name("Tile size").on_hover_text("Tile size");
            ui.label(muted(ui, "Size"));
            ui.add_space(space::S);
            let (selected, shown) = (view.tiles.selected.len(), view.tiles.order.len());
            let words = if selected == 0 {
                counted(shown, "image", "images")
            } else {
                format!("{} of {} selected", number(selected), number(shown))
            };
            // Where the bar is narrow the count gives way: the panel at the right has it as well.
            let font = egui::TextStyle::Body.resolve(ui.style());
            let needed = ui.painter().layout_no_wrap(words.clone(), font, t.muted).size().x;
            if ui.available_width() > needed + space::S {
                ui.label(muted(ui, words));
            }
        });
    });
}

/// Arrows move, digits relabel; nothing while a text box or a sheet has the keyboard.
fn keys(ui: &Ui, state: &mut State, dataset: &Dataset, out: &mut Vec<Action>) {
    if state.sheet.is_some() || state.confirm.is_some() || ui.ctx().text_edit_focused() {
        return;
    }
    let tiles = &mut state.data.tiles;
    let place = tiles.cursor.and_then(|cursor| tiles.place_of(cursor));
    if let Some((next, shift)) = take_move(ui, place, tiles.order.len(), tiles.columns) {
        tiles.choose(next, Reach::of(shift, false), Some);
        tiles.reveal = true;
    }
    if !state.can_edit() {
        return;
    }
    const DIGITS: [Key; 10] = [
        Key::Num1,
        Key::Num2,
        Key::Num3,
        Key::Num4,
        Key::Num5,
        Key::Num6,
        Key::Num7,
        Key::Num8,
        Key::Num9,
        Key::Num0,
    ];
    let digit = ui.input_mut(|i| DIGITS.into_iter().position(|key| i.consume_key(Modifiers::NONE, key)));
    if let Some(class) = digit.filter(|&class| class < dataset.classes.len())
        && state.data.tiles.has_targets()
    {
        out.push(Action::Relabel(state.data.tiles.targets(), class));
    }
}

fn gallery_ui(ui: &mut Ui, state: &mut State, dataset: &Arc<Dataset>, textures: &mut Textures) {
    let order = state.data.tiles.order.clone();
    if order.is_empty() && state.data.is_waiting() {
        loading(ui, "Putting the images in order", None, |_| {});
        return;
    }
    if order.is_empty() {
        empty(
            ui,
            Icon::Search,
            "No image matches",
            "The class, split or text filter hides every image.",
            |ui| {
                if ui.button("Show all images").clicked() {
                    state.class_filter = None;
                    state.data.split = None;
                    state.data.find.clear();
                    state.data.show_excluded = true;
                }
            },
        );
        return;
    }
    let tiles = &state.data.tiles;
    let cursor = tiles.cursor.and_then(|cursor| tiles.place_of(cursor));
    let grid = Grid { salt: "gallery", count: order.len(), tile: tiles.side, cursor, reveal: tiles.reveal };
    let total = order.len();
    let output = grid.show(ui, |ui, rect, place, response| {
        let Some((&index, sample)) = order.get(place).and_then(|i| Some((i, dataset.samples.get(*i)?)))
        else {
            return;
        };
        let selected = tiles.selected.contains(&index);
        let current = tiles.cursor == Some(index);
        let class = dataset.classes.get(sample.class).map_or("", String::as_str);
        response.widget_info(|| {
            let excluded = if sample.excluded { ", excluded" } else { "" };
            let words = format!("image {} of {}, {class}{excluded}, {}", place + 1, total, sample.path);
            WidgetInfo::selected(Role::Button, true, selected || current, words)
        });
        if ui.is_rect_visible(rect) {
            let tile = Tile { dataset, sample, class, selected, current };
            tile_ui(ui, rect, &tile, response, textures);
        }
    });
    let tiles = &mut state.data.tiles;
    tiles.reveal = false;
    tiles.columns = output.columns;
    if let Some((place, modifiers)) = output.clicked {
        tiles.choose(place, Reach::of(modifiers.shift, modifiers.command), Some);
    }
}

/// What one tile shows.
struct Tile<'a> {
    dataset: &'a Dataset,
    sample: &'a Sample,
    class: &'a str,
    selected: bool,
    current: bool,
}

fn tile_ui(ui: &Ui, rect: Rect, tile: &Tile<'_>, response: &Response, textures: &mut Textures) {
    let Tile { dataset, sample, class, selected, current } = *tile;
    let t = tokens(ui);
    let painter = ui.painter_at(rect.expand(4.0));
    painter.rect_filled(rect, RADIUS, PICTURE_GROUND);
    let path = dataset.root.join(&sample.path);
    let key = PictureKey::thumbnail(path, rect.width(), ui.pixels_per_point());
    match textures.get(&key) {
        Shown::Full(texture) => {
            let place = fitted(rect, texture.size);
            let tint = if sample.excluded { egui::Color32::from_gray(90) } else { egui::Color32::WHITE };
            let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            painter.add(
                egui::epaint::RectShape::filled(place, CornerRadius::same(RADIUS), tint)
                    .with_texture(texture.id, uv),
            );
        }
        Shown::Loading => {
            painter.rect_filled(rect, RADIUS, t.raised);
        }
        Shown::Failed(_) => {
            let place = Rect::from_center_size(rect.center(), vec2(24.0, 24.0));
            icons::paint(&painter, place, Icon::Warning, t.failure);
        }
    }
    if rect.width() >= 72.0 {
        let strip = picture_label(
            &painter,
            rect.left_bottom() + vec2(4.0, -4.0),
            Align2::LEFT_BOTTOM,
            class,
            rect.width() - 8.0,
        );
        let mark = Rect::from_min_size(strip.left_top() - vec2(0.0, 3.0), vec2(strip.width(), 3.0));
        painter.rect_filled(mark, 1, class_colour(t, sample.class));
    } else {
        let mark = Rect::from_min_max(pos2(rect.left(), rect.bottom() - 4.0), rect.right_bottom());
        painter.rect_filled(mark, 0, class_colour(t, sample.class));
    }
    if sample.kind != Kind::Original && rect.width() >= 72.0 {
        picture_label(
            &painter,
            rect.left_top() + vec2(4.0, 4.0),
            Align2::LEFT_TOP,
            sample.kind.as_str(),
            rect.width() - 8.0,
        );
    }
    if sample.excluded {
        let place = Rect::from_center_size(rect.right_top() + vec2(-14.0, 14.0), vec2(18.0, 18.0));
        painter.circle_filled(place.center(), 11.0, crate::gui::theme::PICTURE_LABEL);
        icons::paint(&painter, place, Icon::Excluded, crate::gui::theme::ON_PICTURE);
    }
    if selected || current {
        let width = if current { 3.0 } else { 2.0 };
        // Inside: the scroll area cuts what lies beyond the first and the last tiles.
        painter.rect_stroke(rect, RADIUS, Stroke::new(width, t.accent), StrokeKind::Inside);
        if selected {
            let place = Rect::from_center_size(rect.left_top() + vec2(12.0, 12.0), vec2(14.0, 14.0));
            painter.circle_filled(place.center(), 9.0, t.accent);
            icons::paint(&painter, place, Icon::Check, t.on_accent);
        }
    } else if response.has_focus() {
        // No cursor yet, but the keyboard came here.
        painter.rect_stroke(rect, RADIUS, Stroke::new(2.0, t.accent), StrokeKind::Inside);
    } else if response.hovered() {
        painter.rect_stroke(rect, RADIUS, Stroke::new(1.0, t.muted), StrokeKind::Inside);
    }
}

/// The largest centred rectangle of this shape inside `rect`.
pub fn fitted(rect: Rect, shape: egui::Vec2) -> Rect {
    let scale = (rect.width() / shape.x.max(1.0)).min(rect.height() / shape.y.max(1.0));
    Rect::from_center_size(rect.center(), shape * scale)
}

/// The proposal to cut validation and test parts off.
fn splits_ui(ui: &mut Ui, state: &mut State, out: &mut Vec<Action>) {
    let t = tokens(ui);
    let frame = Frame::new().fill(t.panel).stroke(Stroke::new(1.0, t.line)).corner_radius(RADIUS_LARGE);
    frame.inner_margin(Margin::same(12)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.label(egui::RichText::new("Cut validation and test parts off first").strong());
        ui.label(muted(
            ui,
            "This folder has no splits, so every image would be trained on and no figure would be held out. \
             Parts are cut by class and by group, the same way each time; made images only ever enter the \
             training part. Files stay where they are.",
        ));
        ui.horizontal_wrapped(|ui| {
            let label = ui.label("Training / validation / test");
            let edit = TextEdit::singleline(&mut state.data.shares).desired_width(90.0);
            ui.add(edit).labelled_by(label.id);
            let shares = Shares::from_str(&state.data.shares);
            let button = ui.add_enabled(shares.is_ok(), egui::Button::new("Cut the parts off"));
            if button.clicked()
                && let Ok(shares) = &shares
            {
                out.push(Action::CutSplits(*shares));
            }
            if ui.button("Not now").clicked() {
                state.data.splits_later = true;
            }
            if let Err(error) = shares {
                ui.label(caption(ui, error.to_string()).color(t.failure));
            }
        });
    });
}

fn detail_ui(
    ui: &mut Ui,
    state: &mut State,
    dataset: &Arc<Dataset>,
    textures: &mut Textures,
    out: &mut Vec<Action>,
) {
    let tiles = &state.data.tiles;
    let targets = tiles.targets();
    let cursor = tiles.cursor.and_then(|index| Some((index, dataset.samples.get(index)?)));
    ui.horizontal(|ui| {
        ui.label(section(ui, "Image"));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let place = cursor.and_then(|(index, _)| tiles.place_of(index));
            if let Some(place) = place {
                let words = format!("{} of {}", number(place + 1), number(tiles.order.len()));
                ui.label(caption(ui, words));
            }
        });
    });
    match cursor {
        None => hint_line(ui, "Click an image, or press an arrow key, to see it here"),
        Some((_, sample)) => sample_ui(ui, dataset, sample, textures, out),
    }
    if !targets.is_empty() {
        ui.add_space(space::S);
        label_ui(ui, state, dataset, &targets, out);
    }
    ui.add_space(space::S);
    ui.separator();
    training_ui(ui, state, dataset, cursor.map(|(_, sample)| sample), textures, out);
}

fn sample_ui(
    ui: &mut Ui,
    dataset: &Dataset,
    sample: &Sample,
    textures: &mut Textures,
    out: &mut Vec<Action>,
) {
    let t = tokens(ui);
    let side = ui.available_width().min(480.0);
    let (rect, response) = ui.allocate_exact_size(vec2(side, side), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("Picture of {}", sample.path)));
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, RADIUS, PICTURE_GROUND);
    let path = dataset.root.join(&sample.path);
    let key = PictureKey::thumbnail(path.clone(), side, ui.pixels_per_point());
    // From the header, not from the picture: nothing below moves when it arrives.
    let longer = sample.info.width.max(sample.info.height) as f32;
    let enlarged = side * ui.pixels_per_point() > 2.0 * longer;
    match textures.get(&key) {
        Shown::Full(texture) => {
            let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            painter.image(texture.id, fitted(rect, texture.size), uv, egui::Color32::WHITE);
        }
        Shown::Loading => {
            let font = egui::FontId::proportional(13.0);
            painter.text(rect.center(), Align2::CENTER_CENTER, "Reading the picture", font, t.faint);
        }
        Shown::Failed(reason) => {
            let font = egui::FontId::proportional(13.0);
            let room = rect.shrink(16.0);
            let galley = painter.layout(reason.to_string(), font, t.failure, room.width());
            painter.galley(room.min, galley, t.failure);
            response.on_hover_text(&*reason);
        }
    }
    if enlarged {
        hint_line(ui, "enlarged with square pixels, nothing smoothed");
    }
    ui.add_space(space::XS);
    let info = &sample.info;
    let class = dataset.classes.get(sample.class).map_or("", String::as_str);
    fact(ui, "Class", class);
    fact(ui, "Split", if sample.split == Split::Train { "training" } else { sample.split.as_str() });
    if let Some(group) = &sample.group {
        fact(ui, "Group", group.as_str());
    }
    let colour = if info.channels == 1 { "grey" } else { "colour" };
    fact(ui, "Size, depth", format!("{} × {}, {} bit, {colour}", info.width, info.height, info.bits));
    fact(ui, "File", format!("{}, {}", file_kind(&sample.path), bytes_words(info.bytes)));
    if sample.kind != Kind::Original {
        fact(ui, "Kind", sample.kind.as_str());
    }
    if sample.excluded {
        fact(ui, "Excluded", "yes, the file stays");
    }
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui.button("Copy path").clicked() {
                out.push(Action::Copy(path.display().to_string()));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let text = Label::new(caption(ui, sample.path.as_str())).truncate().selectable(true);
                ui.add(text).on_hover_text(path.display().to_string());
            });
        });
    });
}

/// What the file's name says it is; the content decides when it is read.
fn file_kind(path: &str) -> String {
    let extension = path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(_, e)| e);
    extension.map_or_else(|| "no extension".to_owned(), str::to_uppercase)
}

/// Buttons that relabel and exclude what is selected, with their keys.
fn label_ui(ui: &mut Ui, state: &State, dataset: &Dataset, targets: &[usize], out: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        ui.label(section(ui, "Label"));
        if targets.len() > 1 {
            ui.label(caption(ui, format!("of {} selected images", number(targets.len()))));
        }
    });
    let editable = state.can_edit();
    let same = |class: usize| {
        targets.iter().all(|&i| dataset.samples.get(i).is_some_and(|sample| sample.class == class))
    };
    ui.add_enabled_ui(editable, |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            for (class, name) in dataset.classes.iter().enumerate() {
                class_swatch(ui, class);
                if class < 10 {
                    keycap(ui, &((class + 1) % 10).to_string());
                }
                if ui.selectable_label(same(class), name.as_str()).clicked() && !same(class) {
                    out.push(Action::Relabel(targets.to_vec(), class));
                }
                ui.add_space(space::XS);
            }
        });
        let all_out = targets.iter().all(|&i| dataset.samples.get(i).is_some_and(|sample| sample.excluded));
        ui.horizontal(|ui| {
            keycap(ui, "E");
            let words = if all_out { "Take back in" } else { "Exclude" };
            if ui.button(words).on_hover_text(Command::ToggleExcluded.tooltip()).clicked() {
                out.push(Action::Exclude(targets.to_vec(), !all_out));
            }
        });
    });
    hint_line(ui, "labels are kept in the project; files are never renamed or moved");
}

/// Training size and fit, on an example of the set.
fn training_ui(
    ui: &mut Ui,
    state: &mut State,
    dataset: &Arc<Dataset>,
    sample: Option<&Sample>,
    textures: &mut Textures,
    out: &mut Vec<Action>,
) {
    ui.label(section(ui, "Training images"));
    let editable = state.can_edit();
    let Some(project) = state.project.as_mut() else { return };
    let suggested = project.figures.suggested_size;
    let mut chosen = project.settings.size;
    ui.add_enabled_ui(editable, |ui| {
        ui.horizontal(|ui| {
            let label = ui.label(muted(ui, "Size"));
            let words = |size: Option<u32>| match size {
                None => format!("{suggested} px, from the data"),
                Some(size) => format!("{size} px"),
            };
            ComboBox::from_id_salt("training size")
                .selected_text(words(chosen))
                .show_ui(ui, |ui| {
                    for size in std::iter::once(None).chain(SIZES.into_iter().map(Some)) {
                        ui.selectable_value(&mut chosen, size, words(size));
                    }
                })
                .response
                .labelled_by(label.id);
        });
    });
    if chosen != project.settings.size {
        project.settings.size = chosen;
        out.push(Action::SettingsChanged);
    }
    let example = sample.or_else(|| odd_shaped(dataset)).map(|sample| dataset.root.join(&sample.path));
    let Some(path) = example else { return };
    fits_ui(ui, project, path, editable, textures, out);
}

/// The first image that is not square: on it the ways to fit differ.
fn odd_shaped(dataset: &Dataset) -> Option<&Sample> {
    // A bounded look: at a hundred thousand square images the first one serves.
    let odd = dataset.samples.iter().take(2000).find(|s| s.info.width != s.info.height);
    odd.or_else(|| dataset.samples.first())
}

fn fits_ui(
    ui: &mut Ui,
    project: &mut ProjectState,
    path: PathBuf,
    editable: bool,
    textures: &mut Textures,
    out: &mut Vec<Action>,
) {
    let t = tokens(ui);
    let size = project.size();
    let gap = space::S;
    let side = ((ui.available_width() - 2.0 * gap) / 3.0).clamp(48.0, 140.0);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = gap;
        for fit in Fit::ALL {
            let (words, help) = match fit {
                Fit::Pad => ("Pad", "All of the image, centred on black"),
                Fit::Crop => ("Crop", "The largest square in the middle"),
                Fit::Stretch => ("Stretch", "All of the image, its shape changed"),
            };
            let chosen = project.settings.fit == fit;
            let (rect, response) = ui.allocate_exact_size(vec2(side, side + 22.0), Sense::click());
            let name = format!("Fit images by {}: {help}", words.to_lowercase());
            response.widget_info(|| WidgetInfo::selected(Role::RadioButton, editable, chosen, name.as_str()));
            let picture = Rect::from_min_size(rect.min, vec2(side, side));
            let painter = ui.painter_at(rect.expand(3.0));
            painter.rect_filled(picture, RADIUS, PICTURE_GROUND);
            let key = PictureKey::Fitted { path: path.clone(), size, fit };
            if let Shown::Full(texture) = textures.get(&key) {
                let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
                painter.image(texture.id, fitted(picture, texture.size), uv, egui::Color32::WHITE);
            }
            let focus = response.has_focus();
            if chosen || focus {
                let stroke = Stroke::new(if focus { 3.0 } else { 2.0 }, t.accent);
                painter.rect_stroke(picture, RADIUS, stroke, StrokeKind::Inside);
            }
            let colour = if chosen { t.accent } else { t.muted };
            let at = pos2(picture.center().x, rect.bottom());
            let font = egui::FontId::proportional(crate::gui::theme::SMALL);
            painter.text(at, Align2::CENTER_BOTTOM, words, font, colour);
            if response.on_hover_text(help).clicked() && editable && !chosen {
                project.settings.fit = fit;
                out.push(Action::SettingsChanged);
            }
        }
    });
    hint_line(ui, &format!("as training sees this image: {size} × {size} pixels"));
}
