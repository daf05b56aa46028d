//! Where it looks: maps of chosen test images, side by side across treatments, with what each classifier says and how
//! far its map holds.
//!
//! Makes no map itself: listing the images and asking the classifiers leave as actions.

use std::sync::Arc;

use egui::{
    Button, CentralPanel, Checkbox, Color32, CornerRadius, DragValue, FontId, Frame, Label, Margin, Painter,
    Rect, Response, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use super::form::why_not_again;
use super::{MAPS_BOX, saved_ui};
use crate::evaluation::saliency::paint::LEGEND;
use crate::evaluation::saliency::side_by_side::{About, MOST_MASKS, Method};
use crate::gui::command::{Action, Command};
use crate::gui::icons::{self, Icon};
use crate::gui::regions::Region;
use crate::gui::state::{BUSY, EvaluateForm, Face, JobKind, LooksView, Pane, ProjectState, State};
use crate::gui::textures::{PictureKey, Texture, Textures, image};
use crate::gui::theme::{self, PICTURE_GROUND, Tokens, caption, muted, section, space};
use crate::gui::views::train::progress_of;
use crate::gui::widgets::curves::card;
use crate::gui::widgets::empty_state::{command_button, empty, failure_card, hint_line, primary_button};
use crate::gui::widgets::histogram::truncated;
use crate::gui::widgets::job_buttons::pause_button;
use crate::gui::widgets::path_box::{BEHIND, Words, path_box};
use crate::gui::widgets::probability::progress_bar;
use crate::gui::widgets::status_bar::{counted, number};
use crate::imaging::picture::Picture;
use crate::jobs::JobView;
use crate::jobs::comparisons::Report;
use crate::jobs::evaluate::KeptClassifier;
use crate::jobs::saliency::{MapCell, MapRow, Maps, TestImage, TestImages};

/// Side of a test image that can be chosen.
const TILE: f32 = 56.0;
/// Side of a picture among the maps.
const SIDE: f32 = 124.0;
/// Height of a line under a picture.
const LINE: f32 = 16.0;
/// Lines under a picture.
const LINES: usize = 4;

/// Why no maps can be made as it is chosen, a sentence; `None` where they can.
pub fn why_no_maps(state: &State) -> Option<String> {
    let Some(project) = &state.project else { return Some("Open a folder first.".to_owned()) };
    let looks = &state.evaluate.looks;
    if project.source_missing.is_some() {
        return Some("The images of this project are gone; say first where they are now.".to_owned());
    }
    if state.making().is_some() {
        return Some(BUSY.to_owned());
    }
    if looks.images.full().is_none() {
        return Some("The test images are not listed yet.".to_owned());
    }
    if looks.chosen.is_empty() {
        return Some("Choose at least one test image.".to_owned());
    }
    if looks.treatments.is_empty() {
        return Some("Choose at least one treatment.".to_owned());
    }
    None
}

/// The pane of maps.
pub(super) fn looks_ui(
    ui: &mut Ui,
    t: &Tokens,
    state: &mut State,
    textures: &mut Textures,
    out: &mut Vec<Action>,
) {
    let ground = Frame::new().fill(t.background).inner_margin(Margin::same(16));
    CentralPanel::default().frame(ground).show(ui, |ui| {
        Region::Main.mark(ui);
        page(ui, t, state, textures, out);
    });
}

/// What can be asked and what was answered, or why nothing can be.
fn page(ui: &mut Ui, t: &Tokens, state: &mut State, textures: &mut Textures, out: &mut Vec<Action>) {
    let shown = state.project.as_ref().and_then(|project| state.evaluate.shown(project));
    let Some((run, report)) = shown.map(|(kept, report)| (kept.run, Arc::clone(report))) else {
        let text = "Maps show which pixels of a test image the answer of a classifier rests on, the same image under \
                    every treatment. They need classifiers: compare treatments first.";
        empty(ui, Icon::Review, "No classifier to ask", text, |ui| {
            if ui.button("Choose what to compare").clicked() {
                (state.evaluate.form_open, state.evaluate.pane) = (true, Pane::Figures);
            }
        });
        return;
    };
    let Some(classifiers) = report.classifiers.as_ref().filter(|kept| kept.can_be_asked()) else {
        let mut text = "This comparison was measured before classifiers were kept, or was stopped before one was. \
                        Compare again: where the images, the settings of the project and the version of \
                        counterpoise are those of then, only the classifiers of the first seed are trained again, \
                        and every figure stays; otherwise it is a new comparison."
            .to_owned();
        let settings = state.project.as_ref().map(|project| &project.settings);
        if let Some(changed) = settings.and_then(|now| EvaluateForm::changed_since(&report.choice, now)) {
            text += &format!(" {changed}");
        }
        let why = why_not_again(state, &report.choice);
        empty(ui, Icon::Review, "No maps of this comparison", &text, |ui| {
            let again = ui.add_enabled(why.is_none(), Button::new("Compare again"));
            if again.on_disabled_hover_text(why.unwrap_or_default()).clicked() {
                state.evaluate.take(&report.choice);
                state.evaluate.pane = Pane::Figures;
                out.push(Action::Do(Command::Evaluate));
            }
        });
        return;
    };
    if state.evaluate.looks.of != Some(run) {
        out.push(Action::ListTestImages);
    }
    let images = match &state.evaluate.looks.images {
        Face::Full(images) if state.evaluate.looks.of == Some(run) => Arc::clone(images),
        Face::Failed(why) => {
            let why = why.clone();
            failure_card(ui, "The test images of this comparison cannot be listed", &why);
            if ui.button("Try again").clicked() {
                out.push(Action::ListTestImages);
            }
            return;
        }
        _ => {
            ui.horizontal(|ui| {
                ui.spinner();
                ui.label(muted(ui, "Listing the test images"));
            });
            return;
        }
    };
    ScrollArea::vertical().id_salt("looks").auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = space::M;
        card(ui, t, |ui| {
            ui.spacing_mut().item_spacing.y = space::S;
            how(ui, &mut state.evaluate.looks);
            treatments(ui, &mut state.evaluate.looks, &report, &classifiers.of);
            choose_images(ui, t, state, textures, &images);
            start(ui, state, out);
        });
        made(ui, t, state, textures);
        save(ui, t, state, out);
    });
}

/// How maps are made.
fn how(ui: &mut Ui, looks: &mut LooksView) {
    ui.label(section(ui, "How"));
    ui.horizontal_wrapped(|ui| {
        let question = &mut looks.question;
        ui.radio_value(&mut question.method, Method::GradCam, "Grad-CAM, fast")
            .on_hover_text("One look at each image: which places speak for the class, in coarse squares");
        ui.radio_value(&mut question.method, Method::Rise, "RISE, slow").on_hover_text(
            "Asks about each image many times, other parts hidden each time: which places have to be seen",
        );
        if question.method == Method::Rise {
            let drag = DragValue::new(&mut question.masks).range(1..=MOST_MASKS as usize).speed(10.0);
            let tip = "The same masks for every treatment and image; few of them leave noise";
            ui.add(drag).accessible_name("Number of masks").on_hover_text(tip);
            ui.label("masks");
        }
    });
    ui.horizontal_wrapped(|ui| {
        ui.label("Maps of");
        for about in About::ALL {
            let tip = match about {
                About::True => "One class for all treatments, so that maps and areas compare",
                About::Said => "What each classifier says, right or wrong: why it says so",
            };
            ui.radio_value(&mut looks.question.about, about, about.name()).on_hover_text(tip);
        }
    });
}

/// The treatments, and why some have no maps.
fn treatments(ui: &mut Ui, looks: &mut LooksView, report: &Report, kept: &[KeptClassifier]) {
    ui.label(section(ui, "Treatments"));
    ui.horizontal_wrapped(|ui| {
        for of in kept {
            let mut on = looks.treatments.contains(&of.name);
            let label = report.treatment(&of.name).map_or("", |treatment| treatment.label.as_str());
            let tip = of.remark.as_deref().map_or_else(|| label.to_owned(), |why| format!("{label}\n{why}"));
            let check = ui.add_enabled(of.file.is_some(), Checkbox::new(&mut on, of.name.as_str()));
            if check.on_hover_text(&tip).on_disabled_hover_text(&tip).changed() {
                if on {
                    looks.treatments.insert(of.name.clone());
                } else {
                    looks.treatments.remove(&of.name);
                }
            }
        }
    });
    for of in kept.iter().filter(|of| of.file.is_none() || looks.treatments.contains(&of.name)) {
        if let Some(remark) = &of.remark {
            ui.add(Label::new(caption(ui, format!("{}: {remark}", of.name))).wrap());
        }
    }
}

/// The strip of test images to choose from.
fn choose_images(ui: &mut Ui, t: &Tokens, state: &mut State, textures: &mut Textures, images: &TestImages) {
    let State { project: Some(project), evaluate, class_filter, .. } = &mut *state else { return };
    let looks = &mut evaluate.looks;
    let class = class_filter.and_then(|class| project.dataset.classes.get(class)).map(String::as_str);
    let offered = looks.offered(images, class);
    ui.label(section(ui, "Test images"));
    ui.horizontal_wrapped(|ui| {
        let all = counted(images.images.len(), "image", "images");
        ui.label(format!("{} chosen of {all}", number(looks.chosen.len())));
        if ui.link("One of each class").clicked() {
            looks.chosen = images.sample(1).into_iter().collect();
        }
        if ui.link("None").accessible_name("Choose no test image").clicked() {
            looks.chosen.clear();
        }
        ui.checkbox(&mut looks.disputed, "Only where treatments disagree");
        if let Some(class) = class {
            ui.label(caption(ui, format!("of the class {class}, as the histogram filters")));
        }
    });
    if offered.is_empty() {
        ui.add(Label::new(muted(ui, "No test image is like that; take a filter off.")).wrap());
        return;
    }
    strip(ui, t, project, looks, textures, images, &offered);
    hint_line(ui, "a click chooses an image or takes it out; the ring and the sign say which are chosen");
}

/// Draws only what is seen of the strip.
fn strip(
    ui: &mut Ui,
    t: &Tokens,
    project: &ProjectState,
    looks: &mut LooksView,
    textures: &mut Textures,
    images: &TestImages,
    offered: &[usize],
) {
    let step = TILE + space::XS;
    let id = ui.make_persistent_id("test images");
    ScrollArea::horizontal().id_salt("strip of test images").auto_shrink([false, true]).show_viewport(
        ui,
        |ui, viewport| {
            ui.set_width((offered.len() as f32 * step - space::XS).max(TILE));
            ui.set_height(TILE + space::S);
            let (left, top) = (ui.max_rect().left(), ui.max_rect().top());
            let first = (viewport.left() / step).floor().max(0.0) as usize;
            let last = ((viewport.right() / step).ceil().max(0.0) as usize).min(offered.len());
            for place in first.min(last)..last {
                let Some(image) = offered.get(place).and_then(|&position| images.images.get(position)) else {
                    continue;
                };
                let position = offered[place];
                let corner = pos2(left + place as f32 * step, top);
                let rect = Rect::from_min_size(corner, Vec2::splat(TILE));
                let response = ui.interact(rect, id.with(position), Sense::click());
                let chosen = looks.chosen.contains(&position);
                let words = image_words(images, image);
                response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, chosen, &words));
                if response.gained_focus() {
                    // With its neighbours, so that the Tab key finds the next one.
                    ui.scroll_to_rect(rect.expand2(vec2(step, 0.0)), None);
                }
                if ui.is_rect_visible(rect) {
                    let key = project
                        .source_path(&image.path)
                        .map(|path| PictureKey::thumbnail(path, TILE, ui.ctx().pixels_per_point()));
                    let texture = key.and_then(|key| textures.get(&key).texture());
                    tile(ui.painter(), t, rect, texture, chosen, &response);
                }
                if response.clicked() && !looks.chosen.remove(&position) {
                    looks.chosen.insert(position);
                }
                response.on_hover_text(words);
            }
        },
    );
}

/// An image in words.
fn image_words(images: &TestImages, image: &TestImage) -> String {
    let class = images.classes.get(image.class).map_or("", String::as_str);
    let disputed = if image.is_disputed() { ", treatments disagree" } else { "" };
    format!("{}, class {class}{disputed}", image.path)
}

fn tile(
    painter: &Painter,
    t: &Tokens,
    rect: Rect,
    texture: Option<Texture>,
    chosen: bool,
    response: &Response,
) {
    painter.rect_filled(rect, CornerRadius::same(theme::RADIUS), PICTURE_GROUND);
    if let Some(texture) = texture {
        paint_picture(painter, rect, texture);
    }
    let focused = response.has_focus();
    let stroke = if focused {
        Stroke::new(3.0, t.accent)
    } else if chosen {
        Stroke::new(2.0, t.accent)
    } else {
        Stroke::new(1.0, t.line)
    };
    painter.rect_stroke(rect, CornerRadius::same(theme::RADIUS), stroke, StrokeKind::Inside);
    if chosen {
        let sign = Rect::from_min_size(rect.right_top() + vec2(-19.0, 3.0), Vec2::splat(16.0));
        painter.rect_filled(sign, 3.0, t.accent);
        icons::paint(painter, sign.shrink(1.5), Icon::Check, t.on_accent);
    }
}

/// A picture fitted into a square.
fn paint_picture(painter: &Painter, rect: Rect, texture: Texture) {
    let longer = texture.size.x.max(texture.size.y).max(1.0);
    let place = Rect::from_center_size(rect.center(), texture.size * (rect.width() / longer));
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    painter.image(texture.id, place, whole, Color32::WHITE);
}

/// The button, what is going on, or why it cannot be pressed.
fn start(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    if let Some(job) = state.running(JobKind::Looks) {
        running(ui, job, out);
        return;
    }
    let why = why_no_maps(state);
    if let Some(why) = &why {
        ui.add(Label::new(caption(ui, why.as_str())).wrap());
    }
    let tip = "Ask the classifiers of the first seed what they look at in the chosen images";
    if primary_button(ui, "Show maps", why.is_none()).on_hover_text(tip).clicked() {
        out.push(Action::ShowMaps);
    }
}

fn running(ui: &mut Ui, job: &JobView, out: &mut Vec<Action>) {
    let words = progress_of(job, &job.stage);
    let share = if job.total == 0 { 0.0 } else { job.done as f32 / job.total as f32 };
    let width = ui.available_width();
    progress_bar(ui, share, vec2(width, 6.0), &format!("Making maps: {words}"));
    ui.add(Label::new(muted(ui, words)).wrap());
    ui.horizontal(|ui| {
        pause_button(ui, JobKind::Looks, job, out);
        if ui.button("Cancel").on_hover_text("End within one look; maps that are shown stay").clicked() {
            out.push(Action::CancelJob(JobKind::Looks));
        }
    });
}

/// The maps that were made last, or why there are none.
fn made(ui: &mut Ui, t: &Tokens, state: &State, textures: &mut Textures) {
    let looks = &state.evaluate.looks;
    match &looks.maps {
        Face::Full(maps) => {
            card(ui, t, |ui| {
                ui.label(section(ui, "Maps"));
                ui.add(Label::new(caption(ui, maps.heading())).wrap());
                legend(ui, maps);
                table(ui, t, maps, looks.number, textures);
                for remark in maps.remarks() {
                    ui.add(Label::new(caption(ui, remark)).wrap());
                }
            });
        }
        Face::Failed(why) => failure_card(ui, "The maps could not be made", why),
        Face::Empty if state.running(JobKind::Looks).is_none() => {
            ui.add(
                Label::new(muted(ui, "No maps yet: choose images and treatments, then show the maps."))
                    .wrap(),
            );
        }
        Face::Empty | Face::Loading => {}
    }
}

/// The ways to take the maps along.
fn save(ui: &mut Ui, t: &Tokens, state: &mut State, out: &mut Vec<Action>) {
    if state.evaluate.looks.maps.full().is_none() {
        return;
    }
    card(ui, t, |ui| {
        ui.horizontal_wrapped(|ui| {
            command_button(ui, state, Command::SaveMaps, out);
            let words = Words { hint: "or the path of a new folder", name: "Path of a folder for the maps" };
            let path = path_box(ui, MAPS_BOX, &mut state.evaluate.looks.folder, BEHIND, words);
            out.extend(path.map(Action::SaveMaps));
        });
        saved_ui(ui, t, &state.evaluate.looks.saved);
    });
}

/// What the colours mean and how maps are read.
fn legend(ui: &mut Ui, maps: &Maps) {
    ui.horizontal_top(|ui| {
        let (rect, response) = ui.allocate_exact_size(vec2(14.0, 64.0), Sense::hover());
        if ui.is_rect_visible(rect) {
            let height = rect.height() / maps.legend.len().max(1) as f32;
            for (shade, [red, green, blue]) in maps.legend.iter().enumerate() {
                let top = rect.bottom() - (shade + 1) as f32 * height;
                let part = Rect::from_min_size(pos2(rect.left(), top), vec2(rect.width(), height + 0.5));
                ui.painter().rect_filled(part.intersect(rect), 0.0, Color32::from_rgb(*red, *green, *blue));
            }
        }
        response
            .widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("Colours of the maps: {LEGEND}")));
        ui.vertical(|ui| {
            ui.add(Label::new(caption(ui, format!("Colours: {LEGEND}. A blank map has none."))).wrap());
            ui.add(Label::new(caption(ui, maps.reading())).wrap());
        });
    });
}

/// Images down, treatments across.
fn table(ui: &mut Ui, t: &Tokens, maps: &Maps, of: u64, textures: &mut Textures) {
    ScrollArea::horizontal().id_salt("maps side by side").auto_shrink([false, true]).show(ui, |ui| {
        ui.spacing_mut().item_spacing = vec2(space::M, space::S);
        ui.horizontal(|ui| {
            head(ui, t, "test image");
            for (name, _) in &maps.treatments {
                head(ui, t, name);
            }
        });
        for (place, row) in maps.rows.iter().enumerate() {
            ui.horizontal_top(|ui| {
                original(ui, t, maps, row, &format!("maps {of}\n{place}"), textures);
                for (column, (cell, (name, _))) in row.cells.iter().zip(&maps.treatments).enumerate() {
                    match cell {
                        Ok(cell) => {
                            let key = format!("maps {of}\n{place}\n{column}");
                            mapped(ui, t, maps, (row, name.as_str(), cell), &key, textures);
                        }
                        Err(reason) => unmapped(ui, t, row, name, reason),
                    }
                }
            });
        }
    });
}

fn head(ui: &mut Ui, t: &Tokens, name: &str) {
    let (rect, response) = ui.allocate_exact_size(vec2(SIDE, LINE + 2.0), Sense::hover());
    if ui.is_rect_visible(rect) {
        line(ui.painter(), rect.left(), rect.center().y, SIDE, name, t.muted);
    }
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, name));
    response.on_hover_text(name);
}

/// A line of text that ends where the picture above it does.
fn line(painter: &Painter, left: f32, middle: f32, width: f32, text: &str, colour: Color32) {
    let galley = truncated(painter, text, FontId::proportional(theme::SMALL), colour, width);
    painter.galley(pos2(left, middle - galley.size().y / 2.0), galley, colour);
}

/// Room for a picture and the lines under it: a stop of the Tab key with its words.
fn cell_room(ui: &mut Ui, words: &str) -> (Rect, Response) {
    let (rect, response) = ui.allocate_exact_size(
        vec2(SIDE, SIDE + LINES as f32 * LINE + space::XS),
        Sense::focusable_noninteractive(),
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, words));
    if response.gained_focus() {
        response.scroll_to_me(None);
    }
    (rect, response)
}

/// The square of a cell with its picture.
fn square(
    ui: &Ui,
    t: &Tokens,
    rect: Rect,
    picture: &Picture,
    key: &str,
    response: &Response,
    textures: &mut Textures,
) {
    let place = Rect::from_min_size(rect.min, Vec2::splat(SIDE));
    let painter = ui.painter();
    painter.rect_filled(place, CornerRadius::same(theme::RADIUS), PICTURE_GROUND);
    paint_picture(painter, place, textures.memory(key, || image(picture)));
    let stroke = if response.has_focus() { Stroke::new(3.0, t.accent) } else { Stroke::new(1.0, t.line) };
    painter.rect_stroke(place, CornerRadius::same(theme::RADIUS), stroke, StrokeKind::Inside);
}

/// Middle of a line under a picture.
fn line_middle(rect: Rect, number: usize) -> f32 {
    rect.top() + SIDE + space::XS + (number as f32 + 0.5) * LINE
}

fn original(ui: &mut Ui, t: &Tokens, maps: &Maps, row: &MapRow, key: &str, textures: &mut Textures) {
    let class = maps.class(row.class);
    let words = format!("{}, true class {class}", row.path);
    let (rect, response) = cell_room(ui, &words);
    if ui.is_rect_visible(rect) {
        square(ui, t, rect, &row.picture, key, &response, textures);
        let painter = ui.painter();
        line(painter, rect.left(), line_middle(rect, 0), SIDE, &format!("true class {class}"), t.text);
        let file = row.path.rsplit('/').next().unwrap_or_default();
        line(painter, rect.left(), line_middle(rect, 1), SIDE, file, t.muted);
    }
    response.on_hover_text(words);
}

/// What a classifier says of an image and what that rests on, in a sentence.
fn map_words(maps: &Maps, row: &MapRow, treatment: &str, cell: &MapCell) -> String {
    let verdict = if cell.said == row.class { "right" } else { "wrong" };
    format!(
        "{treatment} on {}: says {} with {:.2}, {verdict}; map of {}, {}; deletion {:.3}, insertion {:.3}",
        row.path,
        maps.class(cell.said),
        cell.probability,
        maps.class(cell.class),
        cell.map.caption(),
        cell.deletion,
        cell.insertion,
    )
}

/// The map of one treatment; `of` is its row, its treatment and itself.
fn mapped(
    ui: &mut Ui,
    t: &Tokens,
    maps: &Maps,
    of: (&MapRow, &str, &MapCell),
    key: &str,
    textures: &mut Textures,
) {
    let (row, name, cell) = of;
    let words = map_words(maps, row, name, cell);
    let (rect, response) = cell_room(ui, &words);
    if ui.is_rect_visible(rect) {
        square(ui, t, rect, &cell.painted, key, &response, textures);
        let painter = ui.painter();
        let right = cell.said == row.class;
        let (sign, colour, verdict) =
            if right { (Icon::Check, t.accepted, "right") } else { (Icon::Cross, t.rejected, "wrong") };
        let middle = line_middle(rect, 0);
        let place = Rect::from_center_size(pos2(rect.left() + 6.0, middle), Vec2::splat(12.0));
        icons::paint(painter, place, sign, colour);
        let said = format!("{verdict}: {} {:.2}", maps.class(cell.said), cell.probability);
        line(painter, rect.left() + 16.0, middle, SIDE - 16.0, &said, t.text);
        let deletion = format!("deletion {:.3}", cell.deletion);
        line(painter, rect.left(), line_middle(rect, 1), SIDE, &deletion, t.muted);
        let insertion = format!("insertion {:.3}", cell.insertion);
        line(painter, rect.left(), line_middle(rect, 2), SIDE, &insertion, t.muted);
        if cell.map.is_blank() {
            line(painter, rect.left(), line_middle(rect, 3), SIDE, "blank map", t.warning);
        }
    }
    response.on_hover_text(words);
}

/// A treatment without a map, and why.
fn unmapped(ui: &mut Ui, t: &Tokens, row: &MapRow, name: &str, reason: &str) {
    let words = format!("{name} on {}: no map. {reason}", row.path);
    let (rect, response) = cell_room(ui, &words);
    if ui.is_rect_visible(rect) {
        let painter = ui.painter();
        let place = Rect::from_min_size(rect.min, Vec2::splat(SIDE));
        painter.rect_filled(place, CornerRadius::same(theme::RADIUS), t.raised);
        let width = SIDE - 2.0 * space::S;
        let galley =
            painter.layout(format!("No map. {reason}"), FontId::proportional(theme::SMALL), t.muted, width);
        painter.with_clip_rect(place).galley(place.min + Vec2::splat(space::S), galley, t.muted);
        if response.has_focus() {
            let stroke = Stroke::new(3.0, t.accent);
            painter.rect_stroke(place, CornerRadius::same(theme::RADIUS), stroke, StrokeKind::Inside);
        }
    }
    response.on_hover_text(words);
}
