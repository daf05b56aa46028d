//! One view of the window without a screen, read and used through the accessibility tree.
#![allow(dead_code)]

use std::path::PathBuf;
use std::sync::Arc;

use counterpoise::domain::provenance::Kind;
use counterpoise::domain::samples::{Dataset, ImageInfo, Sample};
use counterpoise::domain::splits::Split;
use counterpoise::gui::command::{Action, Command, take_shortcuts};
use counterpoise::gui::state::{ProjectState, State, Workspace};
use counterpoise::gui::textures::Textures;
use counterpoise::gui::theme;
use counterpoise::project::Settings;
use egui::{Theme, Vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

/// What paints the view under test.
pub type View = fn(&mut egui::Ui, &mut State, &mut Textures, &mut Vec<Action>);

/// The view, what it reads, and what it asked for.
pub struct World {
    pub state: State,
    textures: Option<Textures>,
    pub out: Vec<Action>,
    view: View,
}

pub const THEMES: [Theme; 2] = [Theme::Dark, Theme::Light];

/// Shows a view in a window of this size. With `shortcuts`, keys that are commands become actions, as the app
/// makes them.
pub fn shown(size: Vec2, shortcuts: bool, view: View, state: State, theme: Theme) -> Harness<'static, World> {
    let world = World { state, textures: None, out: Vec::new(), view };
    let mut harness = Harness::builder()
        .with_size(size)
        .with_theme(theme)
        .with_context_setup(theme::install)
        .build_ui_state(
            move |ui, world: &mut World| {
                let World { state, textures, out, view } = world;
                if shortcuts {
                    out.extend(take_shortcuts(ui.ctx(), state, |_| true).into_iter().map(Action::Do));
                }
                let textures = textures.get_or_insert_with(|| Textures::new(ui.ctx()));
                textures.begin_frame();
                view(ui, state, textures, out);
            },
            world,
        );
    // Not `run`: what is still loading repaints for ever.
    harness.run_steps(3);
    harness.check_accessibility();
    harness
}

pub fn sees(harness: &Harness<'_, World>, text: &str) -> bool {
    harness.query_all_by_label_contains(text).next().is_some()
}

#[track_caller]
pub fn assert_sees(harness: &Harness<'_, World>, texts: &[&str]) {
    for text in texts {
        assert!(sees(harness, text), "\"{text}\" is not in the accessibility tree");
    }
}

/// The commands among what the view asked for.
pub fn commands(harness: &Harness<'_, World>) -> Vec<Command> {
    let command = |action: &Action| if let Action::Do(command) = action { Some(*command) } else { None };
    harness.state().out.iter().filter_map(command).collect()
}

/// The Evaluate workspace with a project of these classes, each with training and test images.
pub fn evaluated(classes: &[(&str, usize, usize)]) -> State {
    let mut samples = Vec::new();
    for (class, (name, training, test)) in classes.iter().enumerate() {
        for (split, count) in [(Split::Train, *training), (Split::Test, *test)] {
            samples.extend((0..count).map(|i| Sample {
                path: format!("{}/{name}/{i}.png", split.as_str()),
                class,
                split,
                group: None,
                kind: Kind::Original,
                info: ImageInfo { width: 28, height: 28, channels: 1, bits: 8, bytes: 800 },
                excluded: false,
            }));
        }
    }
    let dataset = Dataset {
        root: PathBuf::from("/nowhere/bars"),
        classes: classes.iter().map(|(name, ..)| (*name).to_owned()).collect(),
        samples,
        has_splits: classes.iter().any(|(_, _, test)| *test > 0),
        ..Dataset::default()
    };
    let mut state = State::new();
    let (name, dir) = ("bars".to_owned(), PathBuf::from("/nowhere/project"));
    state.project = Some(ProjectState::new(name, dir, Arc::new(dataset), Settings::default()));
    state.workspace = Workspace::Evaluate;
    state
}
