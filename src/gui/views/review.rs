//! Review: every candidate with its probability of being rejected, and the person's decision.
//!
//! A grid of candidates, a panel about the one under the cursor, and a large view of seed image, candidate
//! and difference. The verdict is the method's, the decision the person's; both are shown and neither
//! replaces the other. Decisions leave as commands; blind mode hides what the method thinks until a candidate
//! is decided.

use std::sync::Arc;

use egui::menu::{MenuButton, MenuConfig};
use egui::{
    Button, CentralPanel, ComboBox, Frame, Id, Key, Label, Layout, Margin, Modifiers, Panel,
    PopupCloseBehavior, Rect, Response, RichText, ScrollArea, Stroke, TextEdit, Ui, UiBuilder, Vec2, pos2,
    vec2,
};

use super::quality::quality_ui;
use crate::domain::acceptance::p_accept;
use crate::domain::decisions::{DecidedBy, Decision, Verdict};
use crate::domain::numbers::percent;
use crate::domain::provenance::{Findings, Kind};
use crate::gui::command::{Action, Command};
use crate::gui::filter::Measure;
use crate::gui::icons::{self, Icon, icon};
use crate::gui::regions::Region;
use crate::gui::state::{JobKind, ProjectState, ReviewView, Saving, State, id_at};
use crate::gui::textures::{PictureKey, Shown, Textures};
use crate::gui::theme::{self, Tokens, caption, muted, section, size, space, tokens};
use crate::gui::tiles::Reach;
use crate::gui::widgets::candidate_tile::{Copied, Tile, TilePicture, candidate_tile, legend, short};
use crate::gui::widgets::class_panel::fact;
use crate::gui::widgets::empty_state::{command_button, empty, failed, loading, warning_line};
use crate::gui::widgets::keycap::key_line;
use crate::gui::widgets::picture_grid::{Grid, take_move};
use crate::gui::widgets::picture_view::{CAPTION, Pane, Zoom, picture_pane, scale_words};
use crate::gui::widgets::probability::{PartRow, part_row, progress_bar, rule_sentences, verdict_words};
use crate::gui::widgets::status_bar::{count_words, counted, number, time_words};
use crate::jobs::JobView;
use crate::oversampling::COLLAPSED;
use crate::project::CandidateRow;
use crate::project::quality::DIVERSITY;

/// Amplifications of the difference picture.
const GAINS: [u32; 6] = [1, 2, 4, 8, 16, 32];
/// Longer side that no candidate reaches: its file is shown pixel for pixel and never shrunk.
const WHOLE: u32 = 2048;
/// Height of a window in points under which the keys are left to their sheet.
const LOW: f32 = 700.0;
/// Real images shown beside a candidate.
const NEAREST: usize = 3;

/// The Review workspace.
pub fn review_ui(ui: &mut Ui, state: &mut State, textures: &mut Textures, out: &mut Vec<Action>) {
    let t = tokens(ui);
    let Some(project) = &state.project else {
        Region::Main.mark(ui);
        empty(ui, Icon::Review, "Nothing to review", "Open a folder of images first.", |ui| {
            command_button(ui, state, Command::OpenFolder, out);
        });
        return;
    };
    let rows = Arc::clone(&project.candidates);
    if rows.is_empty() {
        Region::Main.mark(ui);
        nothing_yet(ui, state, out);
        return;
    }
    {
        let State { project, review, class_filter, .. } = &mut *state;
        if let Some(project) = project {
            review.refresh(&rows, &project.dataset.classes, *class_filter);
        }
    }
    let place = move_cursor(ui, state, &rows, out);
    let row = place.and_then(|place| state.review.tiles.order.get(place)).and_then(|&index| rows.get(index));

    Panel::top("review tools").frame(super::train::bar_frame(t)).show(ui, |ui| {
        Region::Tools.mark(ui);
        tools(ui, t, state, rows.len(), out);
    });
    let mut look = Look::of(&state.review);
    Panel::right("review detail")
        .exact_size(side_width(ui, size::DETAIL))
        .resizable(false)
        .frame(Frame::new().fill(t.panel).inner_margin(Margin::same(16)))
        .show(ui, |ui| {
            Region::Right.mark(ui);
            match row {
                Some(row) => detail(ui, state, textures, row, place.unwrap_or(0), &mut look, out),
                None => {
                    ui.label(muted(ui, "No candidate is chosen."));
                }
            }
        });
    CentralPanel::default().frame(Frame::new().fill(t.background).inner_margin(Margin::same(16))).show(
        ui,
        |ui| {
            Region::Main.mark(ui);
            match row {
                Some(row) if state.review.large => large(ui, t, state, textures, row, &mut look),
                _ => {
                    quality_ui(ui, t, state, &rows, row);
                    grid(ui, t, state, textures, &rows, place, out);
                }
            }
        },
    );
    look.keep(&mut state.review);
}

/// Width of a panel at the side: at most `wanted`, and half of the workspace where that is narrow.
pub(super) fn side_width(ui: &Ui, wanted: f32) -> f32 {
    (ui.available_width() * 0.5).clamp(160.0, wanted)
}

/// How the pictures are looked at; edited by the panes, kept in the state.
#[derive(Clone, Copy)]
struct Look {
    zoom: Zoom,
    gain: u32,
}

impl Look {
    fn of(review: &ReviewView) -> Self {
        Look { zoom: Zoom { factor: review.zoom, pan: review.pan }.clamped(), gain: review.gain }
    }

    fn keep(self, review: &mut ReviewView) {
        (review.zoom, review.pan, review.gain) = (self.zoom.factor, self.zoom.pan, self.gain);
    }
}

/// Before there are candidates: being made, failed, or not begun.
fn nothing_yet(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    if let Some(job) = state.running(JobKind::Generate) {
        loading(ui, "Making candidates", Some(job), |ui| {
            if ui.button("Cancel").clicked() {
                out.push(Action::CancelJob(JobKind::Generate));
            }
        });
    } else if let Some(message) = state.failure(JobKind::Generate) {
        failed(ui, "Making candidates failed", message, |ui| {
            command_button(ui, state, Command::Generate, out);
            command_button(ui, state, Command::GoTrain, out);
        });
    } else {
        let text = "Candidates appear here as soon as a model made them. You look at each of them, with its \
                    probability of being rejected, and decide.";
        empty(ui, Icon::Review, "No candidates yet", text, |ui| {
            command_button(ui, state, Command::Generate, out);
            command_button(ui, state, Command::GoTrain, out);
        });
    }
}

/// Takes the keys that move the cursor; returns its place in the order.
fn move_cursor(ui: &Ui, state: &mut State, rows: &[CandidateRow], out: &mut Vec<Action>) -> Option<usize> {
    let place = cursor_place(ui, &state.review, rows);
    let covered = state.sheet.is_some() || state.confirm.is_some() || egui::Popup::is_any_open(ui.ctx());
    if covered || ui.ctx().text_edit_focused() {
        return place;
    }
    // Z is what readers of images expect beside the keys of the command.
    if ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Z)) {
        out.push(Action::Do(Command::LargeView));
    }
    let review = &mut state.review;
    // In the large view there are no rows: up and down go to the neighbour as well.
    let columns = if review.large { 1 } else { review.tiles.columns };
    let Some((next, extend)) = take_move(ui, place, review.tiles.order.len(), columns) else {
        return place;
    };
    review.tiles.choose(next, Reach::of(extend, false), |position| id_at(rows, position));
    review.tiles.reveal = true;
    Some(next)
}

/// The cursor's place, looked for around the last one first: the list may be long.
fn cursor_place(ui: &Ui, review: &ReviewView, rows: &[CandidateRow]) -> Option<usize> {
    let hint = Id::unique("review: place of the cursor");
    let near = ui.data(|data| data.get_temp::<usize>(hint)).unwrap_or(0);
    let is_it = |place: &usize| {
        let row = review.tiles.order.get(*place).and_then(|&index| rows.get(index));
        row.is_some_and(|row| Some(row.id) == review.tiles.cursor)
    };
    let place = (near.saturating_sub(1)..near + 2).find(is_it).or_else(|| review.cursor_place(rows));
    if let Some(place) = place {
        ui.data_mut(|data| data.insert_temp(hint, place));
    }
    place
}

fn tools(ui: &mut Ui, t: &Tokens, state: &mut State, total: usize, out: &mut Vec<Action>) {
    ui.spacing_mut().item_spacing.y = 6.0;
    // All in one row each; where that is too narrow, what is used less goes behind a button.
    let wide = ui.available_width() >= if state.class_filter.is_some() { 1000.0 } else { 880.0 };
    ui.horizontal_wrapped(|ui| {
        filter_box(ui, t, &mut state.review, if wide { 236.0 } else { 196.0 });
        if wide {
            filters(ui, &mut state.review);
        } else {
            filter_menu(ui, &mut state.review);
        }
        if let Some(class) = state.class_filter {
            let names = state.project.as_ref().map(|p| p.dataset.classes.as_slice()).unwrap_or_default();
            let name = names.get(class).map_or("", String::as_str);
            let button = Button::selectable(true, format!("class {name}"));
            if ui.add(button).on_hover_text(Command::AllClasses.hint(ui.ctx())).clicked() {
                out.push(Action::Do(Command::AllClasses));
            }
        }
        for (command, on, text) in [
            (Command::Blind, state.review.blind, "Blind"),
            (Command::Overlay, state.review.overlay, "Overlay"),
        ] {
            let button = ui.add_enabled(command.enabled(state), Button::selectable(on, text));
            if button.on_hover_text(command.hint(ui.ctx())).clicked() {
                out.push(Action::Do(command));
            }
        }
    });
    if let Some(error) = &state.review.filter_error {
        ui.label(RichText::new(error).size(theme::SMALL).color(t.failure));
    }
    ui.horizontal_wrapped(|ui| {
        let undecided = state.project.as_ref().map_or(0, |p| p.figures.undecided).min(total);
        let decided = total - undecided;
        let words = format!("{} of {} decided", number(decided), number(total));
        let share = if total == 0 { 0.0 } else { decided as f32 / total as f32 };
        let width = if wide { 140.0 } else { 72.0 };
        progress_bar(ui, share, vec2(width, 6.0), &format!("Review: {words}"));
        ui.label(words);
        let shown = state.review.tiles.order.len();
        if state.review.is_waiting() {
            ui.label(muted(ui, "putting in order…"));
        } else if shown != total {
            ui.label(muted(ui, format!("{} shown", number(shown))));
        }
        if let Some(job) = state.running(JobKind::Generate) {
            ui.label(muted(ui, making_words(job)));
        }
        command_button(ui, state, Command::NextUndecided, out);
        let bulk = [Command::AcceptShown, Command::RejectShown];
        if wide {
            for command in bulk {
                command_button(ui, state, command, out);
            }
            let first = state.project.as_ref().and_then(|project| project.candidates.first());
            if let Some(row) = first.filter(|_| state.review.overlay && !state.review.blind) {
                let (letters, tip) = legend(&row.parts);
                ui.label(caption(ui, letters)).on_hover_text(tip);
            }
        } else {
            ui.menu_button("All shown", |ui| {
                for command in bulk {
                    command_button(ui, state, command, out);
                }
            });
        }
    });
    if let Some(why) = state.project.as_ref().and_then(|p| p.read_only.as_ref()) {
        warning_line(ui, why);
    }
}

fn making_words(job: &JobView) -> String {
    let mut words = format!("making {}", count_words(job.done, job.total));
    if let Some(left) = job.time_left {
        words += &format!(" · {} left", time_words(left));
    }
    words
}

/// The filter as text.
fn filter_box(ui: &mut Ui, t: &Tokens, review: &mut ReviewView, width: f32) {
    let colour = if review.filter_error.is_some() { t.failure } else { t.text };
    ui.add(
        TextEdit::singleline(&mut review.filter)
            .hint_text("class(normal) && confidence > 0.6")
            .desired_width(width)
            .char_limit(1000)
            .font(egui::TextStyle::Monospace)
            .text_color(colour),
    )
    .on_hover_text(
        "Measures: rejection, prior, draw, confidence, distance, score, slot, compared with <, <=, >, >=, =\n\
         Questions: class(..), seed(..), file(..), verdict(accepted), also prior, confidence, other\n\
         Decisions: accepted, rejected, undecided\nTogether: &&, ||, !, parentheses",
    )
    .accessible_name("Filter");
}

/// The quick filters and the order, side by side.
fn filters(ui: &mut Ui, review: &mut ReviewView) {
    let blind = review.blind;
    ui.add_enabled_ui(!blind, |ui| {
        let shown = review.verdict.map_or("any verdict", verdict_words);
        ComboBox::from_id_salt("review verdict")
            .width(120.0)
            .selected_text(shown)
            .show_ui(ui, |ui| {
                ui.selectable_value(&mut review.verdict, None, "any verdict");
                for verdict in Verdict::ALL {
                    ui.selectable_value(&mut review.verdict, Some(verdict), verdict_words(verdict));
                }
            })
            .response
            .accessible_name("Verdict");
    });
    let shown = review.decision.map_or("any decision", Decision::as_str);
    ComboBox::from_id_salt("review decision")
        .width(108.0)
        .selected_text(shown)
        .show_ui(ui, |ui| {
            ui.selectable_value(&mut review.decision, None, "any decision");
            for decision in Decision::ALL {
                ui.selectable_value(&mut review.decision, Some(decision), decision.as_str());
            }
        })
        .response
        .accessible_name("Decision");
    ComboBox::from_id_salt("review sort")
        .width(128.0)
        .selected_text(format!("Sort: {}", review.sort.as_str()))
        .show_ui(ui, |ui| {
            for measure in Measure::ALL {
                // A sort by what the method thinks would tell it.
                ui.add_enabled_ui(!(blind && measure.is_judgement()), |ui| {
                    ui.selectable_value(&mut review.sort, measure, measure.as_str());
                });
            }
        })
        .response
        .accessible_name("Sort by");
    let words = if review.descending { "largest first" } else { "smallest first" };
    if ui.add(Button::new(words)).on_hover_text("Turn the order around").clicked() {
        review.descending = !review.descending;
    }
}

/// The same behind one button, which counts the filters that are in force.
fn filter_menu(ui: &mut Ui, review: &mut ReviewView) {
    let set = usize::from(review.verdict.is_some()) + usize::from(review.decision.is_some());
    let words = if set == 0 { "Filter".to_owned() } else { format!("Filter ({set})") };
    // It stays open until one clicks beside it: several choices are usual.
    let config = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    MenuButton::new(words).config(config).ui(ui, |ui| {
        let blind = review.blind;
        ui.horizontal_top(|ui| {
            ui.vertical(|ui| {
                ui.label(section(ui, "Verdict"));
                ui.add_enabled_ui(!blind, |ui| {
                    ui.selectable_value(&mut review.verdict, None, "any verdict");
                    for verdict in Verdict::ALL {
                        ui.selectable_value(&mut review.verdict, Some(verdict), verdict_words(verdict));
                    }
                });
            });
            ui.vertical(|ui| {
                ui.label(section(ui, "Decision"));
                ui.selectable_value(&mut review.decision, None, "any decision");
                for decision in Decision::ALL {
                    ui.selectable_value(&mut review.decision, Some(decision), decision.as_str());
                }
            });
            ui.vertical(|ui| {
                ui.label(section(ui, "Sort"));
                for measure in Measure::ALL {
                    // A sort by what the method thinks would tell it.
                    ui.add_enabled_ui(!(blind && measure.is_judgement()), |ui| {
                        ui.selectable_value(&mut review.sort, measure, measure.as_str());
                    });
                }
                ui.add_space(space::S);
                ui.selectable_value(&mut review.descending, false, "smallest first");
                ui.selectable_value(&mut review.descending, true, "largest first");
            });
        });
    });
}

/// The method's opinion of a row is hidden.
fn is_hidden(review: &ReviewView, row: &CandidateRow) -> bool {
    review.blind && row.decision == Decision::Undecided
}

fn grid(
    ui: &mut Ui,
    t: &Tokens,
    state: &mut State,
    textures: &mut Textures,
    rows: &[CandidateRow],
    place: Option<usize>,
    out: &mut Vec<Action>,
) {
    let State { project, review, .. } = &mut *state;
    let Some(project) = project else { return };
    if review.tiles.order.is_empty() && review.is_waiting() {
        loading(ui, "Putting the candidates in order", None, |_| {});
        return;
    }
    if review.tiles.order.is_empty() {
        let text = "No candidate passes the filter. All of them are still there.";
        empty(ui, Icon::Search, "Nothing matches", text, |ui| {
            if ui.button("Clear the filter").clicked() {
                review.filter.clear();
                review.verdict = None;
                review.decision = None;
                out.push(Action::Do(Command::AllClasses));
            }
        });
        return;
    }
    let order = Arc::clone(&review.tiles.order);
    let grid = Grid {
        salt: "candidates",
        count: order.len(),
        tile: review.tiles.side,
        cursor: place,
        reveal: review.tiles.reveal,
    };
    let scale = ui.ctx().pixels_per_point();
    let output = grid.show(ui, |ui, rect, index, response| {
        let Some(row) = order.get(index).and_then(|&position| rows.get(position)) else { return };
        let picture = match project.candidate_path(row) {
            Some(path) => match textures.get(&PictureKey::thumbnail(path, rect.width(), scale)) {
                Shown::Full(texture) => TilePicture::Ready(texture.id, texture.size),
                Shown::Loading => TilePicture::Loading,
                Shown::Failed(_) => TilePicture::Failed,
            },
            None => TilePicture::Failed,
        };
        let findings = row.findings();
        let tile = Tile {
            number: index + 1,
            class: &row.class,
            parts: &row.parts,
            own_score: row.own_score.as_ref().map(|(name, value)| (name.as_str(), *value)),
            distance: row.nearest_distance.and_then(|distance| findings.relative(distance)),
            copied: copied(&findings),
            alike: alike(project, row, &findings).is_some(),
            verdict: row.verdict,
            decision: row.decision,
            picture,
            focused: review.tiles.cursor == Some(row.id),
            selected: review.tiles.selected.contains(&row.id),
            blind: is_hidden(review, row),
            overlay: review.overlay,
        };
        candidate_tile(ui, t, rect, response, &tile);
        if response.hovered() && !tile.blind {
            response.clone().on_hover_text(tile_words(project, row));
        }
    });
    let id = |position: usize| id_at(rows, position);
    review.tiles.columns = output.columns;
    review.tiles.reveal = false;
    if let Some((place, modifiers)) = output.clicked {
        review.tiles.choose(place, Reach::of(modifiers.shift, modifiers.command), id);
    }
    if let Some(place) = output.double_clicked {
        review.tiles.choose(place, Reach::Only, id);
        review.large = true;
    }
}

fn copied(findings: &Findings) -> Option<Copied> {
    match (findings.exact_copy, findings.near_copy) {
        (Some(true), _) => Some(Copied::Exact),
        (_, Some(true)) => Some(Copied::Near),
        _ => None,
    }
}

/// The diversity of the images made of the class of a row, where it says that they are alike: as it was
/// measured of them, else as the training found it last.
fn alike(project: &ProjectState, row: &CandidateRow, findings: &Findings) -> Option<f64> {
    let quality = project.quality.iter().find(|quality| quality.class == row.class);
    let measured = quality.and_then(|quality| quality.figure(DIVERSITY)).map(|figure| figure.value);
    measured.or(findings.diversity).filter(|diversity| *diversity < COLLAPSED)
}

/// What one should know of a candidate that is a copy, or of a class whose images are alike.
fn warnings(project: &ProjectState, row: &CandidateRow, findings: &Findings) -> Vec<String> {
    let of = if findings.usual_of_others == Some(true) { " of other classes" } else { "" };
    let copy = copied(findings).map(|copied| match copied {
        Copied::Exact => "An exact copy of a training image".to_owned(),
        Copied::Near => format!(
            "Four times nearer to a training image than real images{of} usually are to each other: it may be a copy"
        ),
    });
    let alike = alike(project, row, findings).map(|diversity| {
        format!(
            "The model's images of {} are hardly different from each other (diversity {diversity:.2}, real images 1)",
            row.class
        )
    });
    copy.into_iter().chain(alike).collect()
}

/// Whose real images the usual distance is between.
fn usual_of(findings: &Findings) -> &'static str {
    if findings.usual_of_others == Some(true) {
        "other classes, for this one has one image"
    } else {
        "this class"
    }
}

/// Stands where a method has no score of its own.
const NO_SCORE: &str = "the method has none";

/// The tooltip of a tile: the rule with this candidate's numbers, the verdict and the decision, own score and
/// distance, and what one should know.
fn tile_words(project: &ProjectState, row: &CandidateRow) -> String {
    let findings = row.findings();
    let mut lines = vec![
        rule_sentences(row.verdict, &row.parts),
        format!("{} {}", verdict_sentence(row), decision_sentence(row)),
    ];
    match &row.own_score {
        Some((name, score)) => lines.push(format!("Own score, {name}: {score:.4}")),
        None if row.kind == Kind::Synthetic => lines.push(format!("Own score: {NO_SCORE}")),
        None => {}
    }
    if let Some(distance) = row.nearest_distance {
        let times = findings.relative(distance).map_or_else(String::new, |times| {
            format!(", {} times the usual one of {}", short(times), usual_of(&findings))
        });
        lines.push(format!("Distance to the nearest training image: {distance:.2}{times}"));
    }
    lines.extend(warnings(project, row, &findings));
    lines.push(format!("At the foot: {}", legend(&row.parts).0));
    lines.join("\n")
}

/// What the method says, with the numbers that decided.
pub fn verdict_sentence(row: &CandidateRow) -> String {
    let parts = &row.parts;
    match (row.verdict, parts.p_accept, parts.draw, parts.confidence, parts.threshold) {
        (Verdict::Accepted, ..) => "The method accepts.".to_owned(),
        (Verdict::RejectedPrior, Some(p), Some(u), ..) => {
            format!("The method rejects: the draw {u:.3} is not below the prior {p:.3}.")
        }
        (Verdict::RejectedConfidence, _, _, Some(c), Some(least)) => {
            format!("The method rejects: the confidence {c:.3} is below {least:.3}.")
        }
        (Verdict::RejectedPrior, ..) => "The method rejects: the prior's draw failed.".to_owned(),
        (Verdict::RejectedConfidence, ..) => "The method rejects: the confidence is too low.".to_owned(),
        (Verdict::RejectedOther, ..) => match row.extra.get("reason").and_then(|reason| reason.as_str()) {
            Some(reason) => format!("The method rejects: it is {reason}."),
            None => "The method rejects: another of its tests failed.".to_owned(),
        },
    }
}

/// What stands, and who said so.
pub fn decision_sentence(row: &CandidateRow) -> String {
    let verb = match row.decision {
        Decision::Undecided => return "Nothing is decided until you do.".to_owned(),
        Decision::Accepted => "accepted",
        Decision::Rejected => "rejected",
    };
    let against = if row.verdict.rule() == row.decision { "" } else { " against the method's verdict" };
    match row.decided_by {
        Some(DecidedBy::Rule) => format!("The rule {verb} it{against}; nobody has looked at it."),
        _ => format!("You {verb} it{against}."),
    }
}

/// Seed image, candidate and difference of `side` points each, in rows of `columns`.
fn pictures(
    ui: &mut Ui,
    t: &Tokens,
    project: &ProjectState,
    textures: &mut Textures,
    row: &CandidateRow,
    (side, columns): (f32, usize),
    look: &mut Look,
) {
    let candidate = project.candidate_path(row);
    let seed = row.seed_file.as_deref().and_then(|file| project.source_path(file));
    let fit = project.settings.fit;
    let shown = match &candidate {
        Some(path) => textures.get(&PictureKey::Thumbnail { path: path.clone(), side: WHOLE }),
        None => Shown::Failed(Arc::from("this file lies outside the project")),
    };
    let pixels = shown.texture().map(|texture| texture.size);
    // The seed image is shown as the method saw it: at the candidate's size.
    let size = match (&shown, pixels) {
        (_, Some(size)) => Some(size.x.max(size.y) as u32),
        (Shown::Failed(_), None) => Some(project.size()),
        _ => None,
    };
    let seed_shown = match (&seed, size) {
        (Some(path), Some(size)) => textures.get(&PictureKey::Fitted { path: path.clone(), size, fit }),
        _ => Shown::Loading,
    };
    let difference = match (&seed, &candidate) {
        (Some(seed), Some(candidate)) => textures.get(&PictureKey::Difference {
            seed: seed.clone(),
            candidate: candidate.clone(),
            fit,
            gain: look.gain,
        }),
        _ => Shown::Loading,
    };
    let absent = seed.is_none().then_some("no seed image");
    let captions = [
        format!("seed · {}", row.seed_class.as_deref().unwrap_or("none")),
        format!("candidate · {}", row.class),
        format!("difference × {}", look.gain),
    ];
    let panes = [
        Pane { picture: seed_shown, absent, caption: &captions[0], name: "Seed image" },
        Pane { picture: shown, absent: None, caption: &captions[1], name: "Candidate picture" },
        Pane {
            picture: difference,
            absent,
            caption: &captions[2],
            name: "Difference: orange is brighter in the candidate, blue is darker",
        },
    ];
    for row in panes.chunks(columns.max(1)) {
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = space::S;
            for pane in row {
                picture_pane(ui, t, side, pane, Some(&mut look.zoom));
            }
        });
    }
    ui.horizontal(|ui| {
        // Too wide a row would push the panel over its own margin.
        let named = ui.available_width() >= 300.0;
        ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
            ComboBox::from_id_salt("gain")
                .width(56.0)
                .selected_text(format!("× {}", look.gain))
                .show_ui(ui, |ui| {
                    for gain in GAINS {
                        ui.selectable_value(&mut look.gain, gain, format!("× {gain}"));
                    }
                })
                .response
                .accessible_name("Amplification of the difference");
            let help = "Orange is brighter in the candidate, blue is darker; black is the same";
            if named {
                ui.label(caption(ui, "difference")).on_hover_text(help);
            }
            ui.with_layout(Layout::left_to_right(egui::Align::Center), |ui| {
                if let Some(size) = pixels {
                    let words = scale_words(ui.ctx(), size, side, look.zoom);
                    ui.add(Label::new(caption(ui, words)).truncate());
                }
            });
        });
    });
}

/// The three pictures over the whole workspace.
fn large(
    ui: &mut Ui,
    t: &Tokens,
    state: &State,
    textures: &mut Textures,
    row: &CandidateRow,
    look: &mut Look,
) {
    let Some(project) = &state.project else { return };
    let all = ui.available_rect_before_wrap();
    let (columns, largest) = arranged(all.size());
    // Whole multiples keep every pixel of the picture the same square.
    let scale = ui.ctx().pixels_per_point();
    let shown =
        project.candidate_path(row).map(|path| textures.get(&PictureKey::Thumbnail { path, side: WHOLE }));
    let pixels = shown.as_ref().and_then(|shown| shown.texture()).map(|texture| texture.size);
    let side = pixels.map_or(largest, |size| whole_multiple(largest, size.x.max(size.y) / scale));
    let block = block_of(side, columns);
    let left = all.left() + ((all.width() - block.x) / 2.0).max(0.0).floor();
    let top = all.top() + ((all.height() - block.y) / 2.0).max(0.0).floor();
    let rect = Rect::from_min_size(pos2(left, top), block);
    ui.scope_builder(UiBuilder::new().max_rect(rect), |ui| {
        pictures(ui, t, project, textures, row, (side, columns), look);
    });
}

/// Width and height of the three pictures in rows of `columns`, with their captions and the row below.
fn block_of(side: f32, columns: usize) -> Vec2 {
    let rows = 3_usize.div_ceil(columns) as f32;
    vec2(columns as f32 * (side + space::S) - space::S, rows * (side + CAPTION + space::S) + size::CONTROL)
}

/// The columns that give three squares the largest side in this room, and that side.
fn arranged(room: Vec2) -> (usize, f32) {
    let side = |columns: usize| {
        let none = block_of(0.0, columns);
        let rows = 3_usize.div_ceil(columns) as f32;
        ((room.x - none.x) / columns as f32).min((room.y - none.y) / rows).floor().max(64.0)
    };
    // Side by side is easiest to compare: others must gain something.
    [2, 1].into_iter().fold((3, side(3)), |best, columns| {
        let other = side(columns);
        if other > best.1 * 1.1 { (columns, other) } else { best }
    })
}

/// The largest whole multiple of a picture's own side that fits; `largest` where the picture is larger or
/// more than a quarter of the room would be lost.
fn whole_multiple(largest: f32, own: f32) -> f32 {
    let whole = (largest / own.max(1.0)).floor() * own.max(1.0);
    if whole >= largest * 0.75 { whole } else { largest }
}

/// The panel about the candidate under the cursor.
fn detail(
    ui: &mut Ui,
    state: &State,
    textures: &mut Textures,
    row: &CandidateRow,
    place: usize,
    look: &mut Look,
    out: &mut Vec<Action>,
) {
    let t = tokens(ui);
    let Some(project) = &state.project else { return };
    let all_keys = [
        ("A", "accept"),
        ("X", "reject"),
        ("U", "undecide"),
        ("← →", "move"),
        ("N", "next undecided"),
        ("Z", "large"),
        ("O", "overlay"),
        ("B", "blind"),
        ("?", "all keys"),
    ];
    // A low window has no room for the legend; the sheet of all keys is one key away.
    let low = ui.ctx().content_rect().height() < LOW;
    let keys = if low { &all_keys[all_keys.len() - 1..] } else { &all_keys[..] };
    // Never below the fold: deciding is what one is here for.
    Panel::bottom("review decision")
        .frame(Frame::new().fill(t.panel).inner_margin(Margin { top: 8, ..Margin::ZERO }))
        .show_separator_line(false)
        .show(ui, |ui| {
            decision(ui, t, state, project, row, out);
            ui.add_space(space::XS);
            key_line(ui, keys);
        });
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.horizontal(|ui| {
            let of = state.review.tiles.order.len();
            ui.label(section(ui, &format!("Candidate {} of {}", number(place + 1), number(of))));
            ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
                pill(ui, t, row.kind.as_str());
            });
        });
        if !state.review.large {
            let side = ((ui.available_width() - 2.0 * space::S) / 3.0).floor();
            pictures(ui, t, project, textures, row, (side, 3), look);
        }
        ui.add_space(space::XS);
        if is_hidden(&state.review, row) {
            ui.label(section(ui, "Blind mode"));
            ui.add(Label::new("What the method thinks is hidden until you decide.").wrap());
        } else {
            parts(ui, t, project, row);
        }
        ui.add_space(space::XS);
        let verdict = if is_hidden(&state.review, row) { String::new() } else { verdict_sentence(row) + " " };
        ui.add(Label::new(format!("{verdict}{}", decision_sentence(row))).wrap());
        ui.add_space(space::S);
        neighbours(ui, t, project, textures, row);
        ui.add_space(space::S);
        provenance(ui, row);
    });
}

/// A word on a raised ground.
fn pill(ui: &mut Ui, t: &Tokens, text: &str) -> Response {
    Frame::new()
        .fill(t.raised)
        .stroke(Stroke::new(1.0, t.line))
        .corner_radius(10)
        .inner_margin(Margin::symmetric(9, 2))
        .show(ui, |ui| ui.label(caption(ui, text)))
        .inner
}

/// The parts of the test, apart.
fn parts(ui: &mut Ui, t: &Tokens, project: &ProjectState, row: &CandidateRow) {
    let parts = &row.parts;
    let rejection = percent(row.verdict.rejection_probability(parts));
    ui.horizontal(|ui| {
        ui.label(section(ui, "Rejection probability"));
        ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
            ui.label(RichText::new(rejection).size(17.0).strong())
                .on_hover_text(rule_sentences(row.verdict, parts));
        });
    });
    ui.spacing_mut().item_spacing.y = 2.0;
    let prior = PartRow {
        label: "Prior P_accept",
        value: parts.p_accept,
        threshold: None,
        passes: None,
        absent: "the method has none",
        tip: &prior_words(project, row),
    };
    part_row(ui, t, &prior);
    let draw = PartRow {
        label: "Draw u",
        value: parts.draw,
        threshold: parts.p_accept,
        passes: parts.draw.map(|_| parts.prior_passes()),
        absent: "none drawn",
        tip: "A uniform draw in 0 to 1; the prior passes where it is below P_accept (the line)",
    };
    part_row(ui, t, &draw);
    let confidence = PartRow {
        label: "Confidence of g",
        value: parts.confidence,
        threshold: parts.threshold,
        passes: parts.confidence.and(parts.threshold).map(|_| parts.confidence_passes()),
        absent: "not tested",
        tip: "The judge's probability of the target class on the rounded image; the line is the least needed",
    };
    part_row(ui, t, &confidence);
    match &row.own_score {
        Some((name, score)) => {
            fact(ui, name, format!("{score:.4}"));
        }
        None if row.kind == Kind::Synthetic => {
            let tip = "SMOTE in pixels has no score; of a model, what gives it may not have been trained";
            fact(ui, "Own score", NO_SCORE).on_hover_text(tip);
        }
        None => {}
    }
}

/// The prior written out with the counts of both classes, where they still are as they were.
fn prior_words(project: &ProjectState, row: &CandidateRow) -> String {
    let rule = "1 − β^(images of the seed class − images of the target class), 0 where there are not more";
    let count_of = |name: &str| {
        let class = project.dataset.classes.iter().position(|class| class == name)?;
        project.figures.counts.get(class).copied()
    };
    let counts = row.seed_class.as_deref().and_then(count_of).zip(count_of(&row.class));
    match (counts, project.beta(), row.parts.p_accept) {
        (Some((seed, target)), Some(beta), Some(p)) if (p_accept(seed, target, beta) - p).abs() < 1e-6 => {
            format!("{rule}\nHere 1 − {beta}^({seed} − {target}) = {p:.3}")
        }
        _ => rule.to_owned(),
    }
}

/// Whether what stands is saved, and the buttons.
fn decision(
    ui: &mut Ui,
    t: &Tokens,
    state: &State,
    project: &ProjectState,
    row: &CandidateRow,
    out: &mut Vec<Action>,
) {
    let many = state.review.tiles.selected.len();
    ui.horizontal(|ui| {
        match &project.saving {
            Saving::Saved if row.decision != Decision::Undecided => {
                icon(ui, Icon::Check, 14.0, t.muted);
                ui.label(caption(ui, "Saved"));
            }
            Saving::Saved => {}
            Saving::Saving => {
                ui.label(caption(ui, "Saving…"));
            }
            Saving::Failed(why) => {
                icon(ui, Icon::Warning, 14.0, t.failure);
                ui.label(caption(ui, "Not saved").color(t.failure)).on_hover_text(why);
            }
        }
        if many > 1 {
            ui.label(caption(ui, format!("{} selected", counted(many, "candidate", "candidates"))));
        }
        ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
            for command in [Command::Redo, Command::Undo] {
                step_back_or_forth(ui, state, project, command, out);
            }
        });
    });
    let words = |verb: &str| if many > 1 { format!("{verb} {}", number(many)) } else { verb.to_owned() };
    ui.horizontal_wrapped(|ui| {
        let accept = Button::new(RichText::new(words("Accept")).strong().color(t.on_accent)).fill(t.accepted);
        decide(ui, state, Command::Accept, accept, out);
        let reject = Button::new(RichText::new(words("Reject")).color(t.rejected))
            .stroke(Stroke::new(1.0, t.rejected));
        decide(ui, state, Command::Reject, reject, out);
        decide(ui, state, Command::Undecide, Button::new("Undecide"), out);
    });
}

/// The button of undo or redo, named by what it would do.
fn step_back_or_forth(
    ui: &mut Ui,
    state: &State,
    project: &ProjectState,
    command: Command,
    out: &mut Vec<Action>,
) {
    let (sign, what) = match command {
        Command::Undo => (Icon::Undo, project.can_undo.as_deref()),
        _ => (Icon::Redo, project.can_redo.as_deref()),
    };
    let name = match what {
        Some(what) => format!("{}: {what} ({})", command.text(), command.keys(ui.ctx())),
        None => command.text().to_owned(),
    };
    ui.add_enabled_ui(command.enabled(state), |ui| {
        if icons::button(ui, sign, &name).clicked() {
            out.push(Action::Do(command));
        }
    });
}

fn decide(ui: &mut Ui, state: &State, command: Command, button: Button<'_>, out: &mut Vec<Action>) {
    let hint = command.hint(ui.ctx());
    let response = ui.add_enabled(command.enabled(state), button);
    if response.on_hover_text(hint.as_str()).on_disabled_hover_text(hint.as_str()).clicked() {
        out.push(Action::Do(command));
    }
}

/// The nearest training images of a candidate with their distances, nearest first: what the method recorded
/// in `extra.nearest` (objects with `file` and `distance`), else the one of the row.
pub fn nearest(row: &CandidateRow) -> Vec<(&str, Option<f64>)> {
    let recorded = row.extra.get("nearest").and_then(|list| list.as_array());
    let mut found: Vec<(&str, Option<f64>)> = recorded
        .into_iter()
        .flatten()
        .filter_map(|one| {
            let file = one.get("file")?.as_str()?;
            Some((file, one.get("distance").and_then(|distance| distance.as_f64())))
        })
        .collect();
    if found.is_empty() {
        found.extend(row.nearest_file.as_deref().map(|file| (file, row.nearest_distance)));
    }
    found.truncate(NEAREST);
    found
}

fn neighbours(ui: &mut Ui, t: &Tokens, project: &ProjectState, textures: &mut Textures, row: &CandidateRow) {
    ui.label(section(ui, &format!("Nearest real training images · {}", row.class)));
    let found = nearest(row);
    if found.is_empty() {
        ui.label(caption(ui, "No distances were recorded for this candidate."));
        return;
    }
    let findings = row.findings();
    let side = ((ui.available_width() - 2.0 * space::S) / NEAREST as f32).floor();
    let scale = ui.ctx().pixels_per_point();
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = space::S;
        for (place, (file, distance)) in found.iter().enumerate() {
            let picture = match project.source_path(file) {
                Some(path) => textures.get(&PictureKey::thumbnail(path, side, scale)),
                None => Shown::Failed(Arc::from("outside the source folder")),
            };
            let words = distance.map_or_else(|| "no distance".to_owned(), |d| format!("{d:.2}"));
            let times = distance.and_then(|distance| findings.relative(distance)).map(short);
            let name = format!("Nearest real image {}, distance {words}", place + 1);
            let (shown, name) = match times {
                Some(times) => {
                    (format!("{words} · {times}×"), format!("{name}, {times} times the usual one"))
                }
                None => (words, name),
            };
            let pane = Pane { picture, absent: None, caption: &shown, name: &name };
            picture_pane(ui, t, side, &pane, None).on_hover_text(*file);
        }
    });
    for warning in warnings(project, row, &findings) {
        warning_line(ui, &warning);
    }
    if let Some(usual) = findings.usual_distance {
        let of = usual_of(&findings);
        let text = format!("distance, and × the usual one; real to real of {of}: median {usual:.2}");
        ui.add(Label::new(caption(ui, text)).wrap());
    }
}

/// Where the candidate comes from.
fn provenance(ui: &mut Ui, row: &CandidateRow) {
    ui.label(section(ui, "Where it comes from"));
    ui.spacing_mut().item_spacing.y = space::XS;
    if let Some(file) = &row.seed_file {
        fact(ui, "Seed image", file.as_str()).on_hover_text(file);
    }
    fact(ui, "Method", row.method.as_str());
    if !row.model_hash.is_empty() {
        let short: String = row.model_hash.chars().take(12).collect();
        fact(ui, "Model", short).on_hover_text(&row.model_hash);
    }
    let slot = match row.attempt {
        0 => row.slot.to_string(),
        attempt => format!("{}, attempt {attempt}", row.slot),
    };
    fact(ui, "Slot", slot).on_hover_text("Counted from 0, as the filter and the lists of candidates count");
    fact(ui, "Run", row.run.to_string());
    fact(ui, "Seed number", row.seed.to_string());
}
