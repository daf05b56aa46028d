//! Plan: how many images each class should have, how many that makes, and what the prior is expected to pass
//! before anything runs.

use egui::{
    Align, Button, CentralPanel, CollapsingHeader, ComboBox, DragValue, Frame, Label, Layout, Margin, Panel,
    ScrollArea, Slider, Stroke, Ui,
};
use egui_extras::{Column, TableBuilder};

use crate::domain::acceptance::{beta_for, p_accept};
use crate::domain::imbalance::{Imbalance, Scheme, effective_number, weights};
use crate::domain::numbers::percent;
use crate::domain::plan::{ClassPlan, Rejected, Target};
use crate::domain::task::Level;
use crate::export::{ClassWeights, WeightsFormat};
use crate::gui::command::{Action, Command};
use crate::gui::icons::Icon;
use crate::gui::regions::Region;
use crate::gui::state::{PlanView, ProjectState, State};
use crate::gui::textures::Textures;
use crate::gui::theme::{RADIUS_LARGE, caption, muted, section, size, space, tokens};
use crate::gui::widgets::class_panel::fact;
use crate::gui::widgets::curves::card;
use crate::gui::widgets::empty_state::{empty, hint_line, primary_button, warning_line};
use crate::gui::widgets::histogram::{ACCEPTED, Bar, PLANNED, class_swatch, histogram_ui};
use crate::gui::widgets::path_box::{Words, line_width, path_box};
use crate::gui::widgets::status_bar::{bytes_words, capital, counted, number};
use crate::imaging::training_set::{Spec, memory_bytes};
use crate::oversampling;

/// Beta of the effective number where the method has no prior of its own.
const BETA: f64 = 0.999;

/// Id of the path box of class weights; the app gives it the keyboard.
pub const WEIGHTS_BOX: &str = "weights file";

/// Least width beside the form; below it the form stands under the table.
const CENTRE: f32 = 560.0;
/// Least width of the table with all its columns.
const FULL_TABLE: f32 = 640.0;

/// Paints the Plan workspace.
pub fn plan_ui(ui: &mut Ui, state: &mut State, _textures: &mut Textures, out: &mut Vec<Action>) {
    let editable = state.can_edit();
    let Some(project) = state.project.as_ref() else { return };
    if project.dataset.classes.len() < 2 {
        Region::Main.mark(ui);
        let text = "There is one class alone. A plan compares classes, so the folder needs at least two \
                    subfolders with images.";
        empty(ui, Icon::Plan, "Nothing to balance", text, |ui| {
            if ui.button(Command::OpenFolder.text()).clicked() {
                out.push(Action::Do(Command::OpenFolder));
            }
        });
        return;
    }
    let t = tokens(ui);
    let spare = ui.available_width() - CENTRE;
    let beside = spare >= size::DETAIL;
    if beside {
        Panel::right("plan form")
            .default_size(size::DETAIL)
            .size_range(300.0..=spare.min(480.0))
            .frame(Frame::new().fill(t.panel).inner_margin(Margin::same(16)))
            .show(ui, |ui| {
                Region::Right.mark(ui);
                let form = ScrollArea::vertical().auto_shrink([false, false]);
                form.show(ui, |ui| form_ui(ui, state, editable, out));
            });
    }
    Panel::bottom("plan next")
        .frame(Frame::new().fill(t.background).inner_margin(Margin::symmetric(16, 10)))
        .show(ui, |ui| {
            Region::Next.mark(ui);
            let train = Command::GoTrain;
            let response = primary_button(ui, train.text(), train.enabled(state));
            if response.on_hover_text(train.hint(ui.ctx())).clicked() {
                out.push(Action::Do(train));
            }
        });
    CentralPanel::no_frame().frame(Frame::new().fill(t.background).inner_margin(Margin::same(16))).show(
        ui,
        |ui| {
            Region::Main.mark(ui);
            ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
                if let Some(project) = state.project.as_ref() {
                    summary_ui(ui, project);
                }
                ui.add_space(space::M);
                table_ui(ui, state, editable, out);
                ui.add_space(space::M);
                if let Some(project) = state.project.as_ref() {
                    notes_ui(ui, project);
                }
                if !beside {
                    card(ui, t, |ui| form_ui(ui, state, editable, out));
                    ui.add_space(space::M);
                }
                histograms_ui(ui, state);
                ui.add_space(space::M);
                weights_ui(ui, state, out);
            });
        },
    );
}

/// Everything that is chosen, and what follows from it.
fn form_ui(ui: &mut Ui, state: &mut State, editable: bool, out: &mut Vec<Action>) {
    ui.add_enabled_ui(editable, |ui| {
        target_ui(ui, state, out);
        ui.separator();
        rejected_ui(ui, state, out);
        ui.separator();
        prior_ui(ui, state, out);
    });
    ui.separator();
    memory_ui(ui, state);
}

/// The classes as they are and as they will be, to one scale.
fn histograms_ui(ui: &mut Ui, state: &mut State) {
    let Some(project) = state.project.as_ref() else { return };
    let figures = &project.figures;
    let bar = |(class, plan): (usize, &ClassPlan), make: usize| {
        let known = figures.known_made.get(class).copied().unwrap_or(0).min(plan.have);
        let target = (plan.target > 0).then_some(plan.target);
        Bar {
            class,
            name: plan.name.clone(),
            real: plan.have - known,
            made: known + make,
            repeated: 0,
            target,
        }
    };
    let classes = || figures.plan.classes.iter().enumerate();
    let now: Vec<Bar> = classes().map(|one| bar(one, 0)).collect();
    let planned: Vec<Bar> = classes().map(|one| bar(one, one.1.make)).collect();
    let (log, selected) = (state.log_scale, state.class_filter);
    let t = tokens(ui);
    let per_row = if ui.available_width() >= 480.0 { 2 } else { 1 };
    let mut clicked = None;
    let both = [("Now", "plan before", &now, ACCEPTED), ("As planned", "plan after", &planned, PLANNED)];
    for row in both.chunks(per_row) {
        ui.columns(per_row, |columns| {
            for (ui, (title, salt, bars, made)) in columns.iter_mut().zip(row) {
                let hit = card(ui, t, |ui| {
                    ui.label(section(ui, title));
                    ui.add_space(space::XS);
                    histogram_ui(ui, salt, bars, log, selected, made)
                });
                clicked = hit.or(clicked);
            }
        });
    }
    if let Some(class) = clicked {
        state.class_filter = if selected == Some(class) { None } else { Some(class) };
    }
}

/// Before and after, side by side.
fn summary_ui(ui: &mut Ui, project: &ProjectState) {
    let figures = &project.figures;
    let ratio = |i: &Imbalance| i.ratio.map_or_else(|| "none".to_owned(), |r| format!("{r:.2}"));
    let entropy = |i: &Imbalance| i.entropy.map_or_else(|| "–".to_owned(), |e| format!("{e:.3}"));
    let cards = [
        (
            "Imbalance ratio",
            ratio(&figures.before),
            ratio(&figures.planned),
            "largest class over smallest; 1 is balanced",
        ),
        (
            "Evenness",
            entropy(&figures.before),
            entropy(&figures.planned),
            "entropy of the shares over its largest value; 1 is balanced",
        ),
        (
            "Training images",
            number(figures.before.total),
            number(figures.planned.total),
            "as read, and with every slot of the plan filled",
        ),
    ];
    // One below the other rather than words broken in the middle.
    let per_row = if ui.available_width() >= 480.0 { 3 } else { 1 };
    for row in cards.chunks(per_row) {
        ui.columns(per_row, |columns| {
            for (column, (name, before, after, help)) in columns.iter_mut().zip(row) {
                let t = tokens(column);
                let frame =
                    Frame::new().fill(t.panel).stroke(Stroke::new(1.0, t.line)).corner_radius(RADIUS_LARGE);
                frame.inner_margin(Margin::same(12)).show(column, |ui| {
                    ui.set_width(ui.available_width());
                    ui.label(section(ui, name));
                    let words = format!("{before} → {after}");
                    ui.label(egui::RichText::new(words).size(18.0)).on_hover_text(*help);
                    ui.label(caption(ui, "now → as planned"));
                });
            }
        });
    }
}

fn table_ui(ui: &mut Ui, state: &mut State, editable: bool, out: &mut Vec<Action>) {
    let Some(project) = state.project.as_mut() else { return };
    let figures = &project.figures;
    let by_hand = matches!(project.settings.target, Target::PerClass(_));
    let beta = project.beta().unwrap_or(BETA);
    let mut changed: Option<(usize, usize)> = None;
    let right = Layout::right_to_left(Align::Center);
    let mut headers = vec![
        ("Have", "Images of the training split"),
        ("Share", "Share of the training images"),
        ("Effective", "Effective number of images (Cui et al. 2019): how much more a further image adds"),
        ("Target", "Images wanted in total, originals included; edit a number to set targets by hand"),
        ("Make", "Images to make"),
        ("Accepted", "Candidates accepted so far"),
        ("Expected", "Share of candidates the prior is expected to pass"),
    ];
    // Narrower columns, and one less, rather than one cut off at the edge.
    let lean = ui.available_width() < FULL_TABLE;
    if lean {
        headers.retain(|(name, _)| *name != "Effective");
    }
    let name_width = if lean { 108.0 } else { 140.0 };
    let room = ui.available_width() - name_width;
    let width = (room / headers.len() as f32 - ui.spacing().item_spacing.x).clamp(56.0, 84.0).floor();
    TableBuilder::new(ui)
        .id_salt("plan table")
        .striped(false)
        .vscroll(false)
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(Column::remainder().at_least(name_width).clip(true))
        .columns(Column::exact(width), headers.len())
        .header(26.0, |mut header| {
            header.col(|ui| {
                ui.label(section(ui, "Class"));
            });
            for (name, help) in &headers {
                header.col(|ui| {
                    ui.with_layout(right, |ui| ui.label(section(ui, name)).on_hover_text(*help));
                });
            }
        })
        .body(|body| {
            body.rows(30.0, figures.plan.classes.len(), |mut row| {
                let class = row.index();
                let Some(plan) = figures.plan.classes.get(class) else { return };
                row.col(|ui| {
                    class_swatch(ui, class);
                    ui.add(Label::new(plan.name.as_str()).truncate());
                });
                let share = figures.before.shares.get(class).copied().unwrap_or(0.0);
                let mut cells = vec![number(plan.have), percent(share)];
                if !lean {
                    cells.push(format!("{:.1}", effective_number(plan.have, beta)));
                }
                for text in cells {
                    row.col(|ui| {
                        ui.with_layout(right, |ui| ui.label(text));
                    });
                }
                row.col(|ui| {
                    ui.with_layout(right, |ui| {
                        let mut target = plan.target;
                        let most = plan.have.max(1_000_000);
                        let value = DragValue::new(&mut target).range(plan.have..=most).speed(1.0);
                        let response = ui.add_enabled(editable, value);
                        let response = response.accessible_name(format!("Target of {}", plan.name));
                        let response = response.on_hover_text(if by_hand {
                            "Target set by hand; never below what there is"
                        } else {
                            "Edit to set targets by hand"
                        });
                        if response.changed() && target != plan.target {
                            changed = Some((class, target));
                        }
                    });
                });
                let accepted = figures.accepted.get(class).copied().unwrap_or(0);
                let expected = plan.expected_acceptance.map_or_else(|| "–".to_owned(), percent);
                let make = if plan.make == 0 { "–".to_owned() } else { number(plan.make) };
                let accepted = if accepted == 0 { "–".to_owned() } else { number(accepted) };
                for text in [make, accepted, expected] {
                    row.col(|ui| {
                        ui.with_layout(right, |ui| ui.label(text));
                    });
                }
            });
        });
    if let Some((class, target)) = changed {
        let mut list: Vec<usize> = figures.plan.classes.iter().map(|c| c.target).collect();
        if let Some(slot) = list.get_mut(class) {
            *slot = target;
        }
        project.settings.target = Target::PerClass(list);
        out.push(Action::SettingsChanged);
    }
}

/// Things the counts say that a person should know before training.
fn notes_ui(ui: &mut Ui, project: &ProjectState) {
    let figures = &project.figures;
    if figures.plan.total_to_make() == 0 {
        hint_line(ui, "every class has its target already: nothing is to be made");
    }
    for class in figures.plan.classes.iter().filter(|c| c.have == 0) {
        let text = format!("{} has no training image, so nothing can be made for it", class.name);
        warning_line(ui, &text);
    }
    for class in figures.plan.classes.iter().filter(|c| c.have > 0 && c.have < 10 && c.make > 0) {
        let images = counted(class.have, "training image", "training images");
        warning_line(
            ui,
            &format!("{} has {images}: what is made from so few shows little that is new", class.name),
        );
    }
}

fn target_ui(ui: &mut Ui, state: &mut State, out: &mut Vec<Action>) {
    let State { plan: view, project, .. } = state;
    let Some(project) = project.as_mut() else { return };
    ui.label(section(ui, "Target"));
    hint_line(ui, "images per class in total; a class that has more keeps them all");
    let old = project.settings.target.clone();
    let mut new = old.clone();
    // What is in force may come from an earlier window or from the command line.
    match old {
        Target::Count(count) => view.count = count,
        Target::Ratio(ratio) => view.ratio = ratio,
        Target::Max | Target::Median | Target::PerClass(_) => {}
    }
    let counts = &project.figures.counts;
    let largest = counts.iter().copied().max().unwrap_or(0);
    if ui.radio(matches!(old, Target::Max), format!("The largest class, {}", number(largest))).clicked() {
        new = Target::Max;
    }
    if ui.radio(matches!(old, Target::Median), "The median class").clicked() {
        new = Target::Median;
    }
    ui.horizontal(|ui| {
        let chosen = matches!(old, Target::Count(_));
        if ui.radio(chosen, "A number").clicked() {
            new = Target::Count(view.count);
        }
        let value = DragValue::new(&mut view.count).range(1..=1_000_000).speed(5.0);
        // Looking at a target must not change it.
        let value = value.clamp_existing_to_range(false);
        let response = ui.add(value).accessible_name("Target as a number of images");
        if response.changed() {
            new = Target::Count(view.count);
        }
    });
    ui.horizontal(|ui| {
        let chosen = matches!(old, Target::Ratio(_));
        if ui.radio(chosen, "A ratio of at most").clicked() {
            new = Target::Ratio(view.ratio);
        }
        let value = DragValue::new(&mut view.ratio).range(1.0..=100.0).speed(0.05);
        let value = value.min_decimals(2).max_decimals(6).clamp_existing_to_range(false);
        let response = ui.add(value).accessible_name("Largest imbalance ratio afterwards");
        if response.changed() {
            new = Target::Ratio(view.ratio);
        }
    });
    if ui.radio(matches!(old, Target::PerClass(_)), "By hand, in the table").clicked() {
        new = Target::PerClass(project.figures.plan.classes.iter().map(|c| c.target).collect());
    }
    if new != old {
        project.settings.target = new;
        out.push(Action::SettingsChanged);
    }
    ui.add_space(space::XS);
    fact(ui, "To make", counted(project.figures.plan.total_to_make(), "image", "images"));
}

fn rejected_ui(ui: &mut Ui, state: &mut State, out: &mut Vec<Action>) {
    let Some(project) = state.project.as_mut() else { return };
    ui.label(section(ui, "A slot whose candidate is rejected"));
    for rejected in Rejected::ALL {
        let (words, help) = match rejected {
            Rejected::Repeat => {
                ("Repeat a training image", "The paper's rule: a byte copy of a real image fills the slot")
            }
            Rejected::Retry => (
                "Try again, then repeat",
                "New seed images, ten times at most, then a byte copy of a real image",
            ),
            Rejected::Leave => ("Leave it empty", "The class stays below its target"),
        };
        if ui.radio(project.settings.rejected == rejected, words).on_hover_text(help).clicked() {
            project.settings.rejected = rejected;
            out.push(Action::SettingsChanged);
        }
    }
}

fn prior_ui(ui: &mut Ui, state: &mut State, out: &mut Vec<Action>) {
    let State { plan: view, project, .. } = state;
    let Some(project) = project.as_mut() else { return };
    let method = oversampling::method(&project.settings.method);
    let name = method.map_or(project.settings.method.as_str(), |m| m.info().name).to_owned();
    ui.label(section(ui, "Expected acceptance"));
    let Some(beta) = project.beta() else {
        ui.add(
            Label::new(muted(ui, format!("{name} has no prior: every candidate is judged by itself alone.")))
                .wrap(),
        );
        return;
    };
    fact(ui, "Method", name);
    let gap = project.figures.plan.largest_gap();
    let mut chosen = beta;
    ui.horizontal(|ui| {
        let label = ui.label(muted(ui, "Beta"));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let value = DragValue::new(&mut chosen).range(0.0..=0.999_999).speed(0.0005).max_decimals(6);
            ui.add(value).labelled_by(label.id).on_hover_text(
                "The prior accepts with 1 − beta^gap, gap being how many more images the seed's class has",
            );
        });
    });
    if chosen != beta {
        set_beta(project, chosen);
        out.push(Action::SettingsChanged);
    }
    let expected = project.expected_acceptance();
    fact(ui, "Over all to be made", expected.map_or_else(|| "–".to_owned(), percent));
    if gap == 0 {
        hint_line(ui, "no class that is to be made has a larger class to take seed images from");
        return;
    }
    fact(ui, "At the largest gap", percent(p_accept(gap, 0, beta))).on_hover_text(format!(
        "The largest gap between a class to be made and the largest: {}",
        number(gap)
    ));
    if expected.is_some_and(|p| p < 0.5) {
        warning_line(
            ui,
            "the prior rejects most candidates: with counts this small, beta is close to 1 for its gap",
        );
    }
    ui.add_space(space::S);
    ui.label(section(ui, "A beta that fits"));
    hint_line(ui, "for a wished acceptance at the largest gap; offered, never applied unasked");
    ui.horizontal(|ui| {
        let label = ui.label(muted(ui, "Wished there"));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.label(percent(view.wished));
            let slider = Slider::new(&mut view.wished, 0.5..=0.99).step_by(0.01).show_value(false);
            ui.add(slider).labelled_by(label.id);
        });
    });
    if let Some(offer) = beta_for(view.wished, gap) {
        let text = format!("{offer:.6}");
        let offer: f64 = text.parse().unwrap_or(offer);
        fact(ui, "Beta for this", text);
        let same = (offer - beta).abs() < 1e-9;
        if ui.add_enabled(!same, egui::Button::new("Use this beta")).clicked() {
            set_beta(project, offer);
            out.push(Action::SettingsChanged);
        }
    }
}

fn set_beta(project: &mut ProjectState, beta: f64) {
    project.settings.params.insert("beta".to_owned(), beta.into());
}

fn memory_ui(ui: &mut Ui, state: &State) {
    let Some(project) = state.project.as_ref() else { return };
    ui.label(section(ui, "Memory for training"));
    let spec = Spec::of(&project.dataset, project.settings.size, project.settings.fit);
    let images = project.figures.before.total;
    fact(ui, "Images", format!("{} at {} × {} × {}", number(images), spec.size, spec.size, spec.channels));
    fact(ui, "Decoded", bytes_words(memory_bytes(images, &spec)));
    hint_line(ui, "held in memory while training or making; size and fit are chosen in Data");
}

/// The four schemes of class weights, for training without made images.
fn weights_ui(ui: &mut Ui, state: &mut State, out: &mut Vec<Action>) {
    let may_ask = Command::SaveWeights.enabled(state);
    let State { project, plan, .. } = state;
    let Some(project) = project.as_ref() else { return };
    CollapsingHeader::new("Class weights, for training without made images").default_open(false).show(
        ui,
        |ui| {
            let counts = &project.figures.counts;
            let beta = weights_beta(project);
            let all: Vec<_> =
                Scheme::ALL.into_iter().map(|scheme| (scheme, weights(counts, scheme, beta))).collect();
            if let Some((_, Err(error))) = all.first() {
                ui.label(muted(ui, error.to_string()));
                return;
            }
            let right = Layout::right_to_left(Align::Center);
            TableBuilder::new(ui)
                .id_salt("weights table")
                .vscroll(false)
                .cell_layout(Layout::left_to_right(Align::Center))
                .column(Column::remainder().at_least(140.0).clip(true))
                .columns(Column::exact(96.0), all.len())
                .header(24.0, |mut header| {
                    header.col(|ui| {
                        ui.label(section(ui, "Class"));
                    });
                    for (scheme, _) in &all {
                        let (name, help) = scheme_words(*scheme);
                        header.col(|ui| {
                            ui.with_layout(right, |ui| ui.label(section(ui, name)).on_hover_text(help));
                        });
                    }
                })
                .body(|body| {
                    body.rows(26.0, counts.len(), |mut row| {
                        let class = row.index();
                        row.col(|ui| {
                            class_swatch(ui, class);
                            let name = project.dataset.classes.get(class).map_or("", String::as_str);
                            ui.add(Label::new(name).truncate());
                        });
                        for (_, list) in &all {
                            let weight = list.as_ref().ok().and_then(|list| list.get(class)).copied();
                            row.col(|ui| {
                                let text = weight.map_or_else(|| "–".to_owned(), |w| format!("{w:.4}"));
                                ui.with_layout(right, |ui| ui.label(text));
                            });
                        }
                    });
                });
            ui.add_space(space::S);
            ui.horizontal_wrapped(|ui| {
                ui.label(muted(ui, "Copy for a program that trains"));
                for scheme in Scheme::ALL {
                    ui.menu_button(scheme_words(scheme).0, |ui| {
                        // A row for each image is no text to paste.
                        for format in WeightsFormat::ALL.into_iter().filter(|f| *f != WeightsFormat::Csv) {
                            if ui.button(format_words(format)).clicked() {
                                out.push(copied(project, scheme, beta, format));
                                ui.close();
                            }
                        }
                    });
                }
            });
            save_weights_ui(ui, plan, may_ask, out);
        },
    );
}

/// The weights of one scheme as a new file; a dialog opens where it `may_ask`.
fn save_weights_ui(ui: &mut Ui, plan: &mut PlanView, may_ask: bool, out: &mut Vec<Action>) {
    ui.horizontal_wrapped(|ui| {
        ui.label(muted(ui, "Or save to a new file"));
        let schemes = ComboBox::from_id_salt("weights to save").selected_text(scheme_words(plan.scheme).0);
        let shown = schemes.show_ui(ui, |ui| {
            for scheme in Scheme::ALL {
                let (name, help) = scheme_words(scheme);
                ui.selectable_value(&mut plan.scheme, scheme, name).on_hover_text(help);
            }
        });
        shown.response.accessible_name("Weights to save");
        let formats = ComboBox::from_id_salt("format of weights").selected_text(format_words(plan.format));
        let shown = formats.show_ui(ui, |ui| {
            for format in WeightsFormat::ALL {
                ui.selectable_value(&mut plan.format, format, format_words(format));
            }
        });
        shown.response.accessible_name("Format of the file");
        let save = ui.add_enabled(may_ask, Button::new(Command::SaveWeights.text()));
        if save.on_hover_text(Command::SaveWeights.tooltip()).clicked() {
            out.push(Action::Do(Command::SaveWeights));
        }
    });
    ui.horizontal(|ui| {
        let words = Words { hint: "or its path, then Enter", name: "Path of a file of weights" };
        let path = path_box(ui, WEIGHTS_BOX, &mut plan.weights_box, line_width(ui), words);
        out.extend(path.map(Action::SaveWeights));
    });
}

/// Beta of the effective number: the method's own where it has one.
pub fn weights_beta(project: &ProjectState) -> f64 {
    project.beta().unwrap_or(BETA).min(0.999_999)
}

/// Why there are no class weights, a sentence; `None` where there are.
pub fn why_no_weights(state: &State) -> Option<String> {
    let project = state.project.as_ref()?;
    let error = weights(&project.figures.counts, Scheme::Balanced, BETA).err()?;
    Some(format!("{}.", capital(&error.to_string())))
}

/// Name of a format.
fn format_words(format: WeightsFormat) -> &'static str {
    match format {
        WeightsFormat::Json => "JSON",
        WeightsFormat::Keras => "Keras",
        WeightsFormat::Torch => "PyTorch",
        WeightsFormat::Sklearn => "scikit-learn",
        WeightsFormat::Csv => "CSV, a row for each image",
    }
}

/// Name and meaning of a scheme.
fn scheme_words(scheme: Scheme) -> (&'static str, &'static str) {
    match scheme {
        Scheme::Balanced => ("Balanced", "all images over classes times own images"),
        Scheme::Ins => ("Inverse", "one over the number of images, scaled to sum to the classes"),
        Scheme::Isns => ("Root", "one over the root of the number of images, scaled alike"),
        Scheme::Ens => ("Effective", "one over the effective number of images, scaled alike"),
    }
}

/// The weights as a text for the clipboard.
fn copied(project: &ProjectState, scheme: Scheme, beta: f64, format: WeightsFormat) -> Action {
    let weights = ClassWeights::new(&project.dataset, scheme, beta).map_err(|error| error.to_string());
    match weights.and_then(|weights| weights.text(format).map_err(|error| error.to_string())) {
        Ok(text) => Action::Copy(text),
        Err(error) => Action::Notify(Level::Error, error),
    }
}
