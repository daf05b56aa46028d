//! One whole journey through the accessibility tree of the real app, as an assistive tool takes it: open the
//! bundled example, plan, load the bundled model, make candidates, decide, undo, redo, export, verify, find
//! damage, close, and go on in a second window.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use counterpoise::gui::app::{App, AppOptions};
use counterpoise::gui::command::Command;
use counterpoise::gui::state::ThemeChoice;
use counterpoise::jobs::example;
use egui::accesskit::Role;
use egui::{Key, Modifiers, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use egui_kittest::{Harness, Node};

/// A step that takes longer than this hangs. Making the candidates is the slowest.
const PATIENCE: Duration = Duration::from_secs(180);
/// Training images the smallest class of the example has, and the target of this journey.
const HAVE: usize = 50;
const TARGET: usize = 58;
const MADE: usize = TARGET - HAVE;
/// Images of the example's training, validation and test parts.
const PARTS: [(&str, usize); 3] = [("train", 1600), ("validation", 80), ("test", 400)];
const MODEL: &str = "fashion-example-m2m.safetensors";

/// A window on its own data folder.
struct Window(Harness<'static, App>);

impl Window {
    fn new(data: &Path) -> Self {
        let options = AppOptions {
            data_dir: Some(data.to_path_buf()),
            theme: Some(ThemeChoice::Dark),
            ..AppOptions::default()
        };
        let builder = Harness::builder().with_size(vec2(1440.0, 900.0));
        Window(builder.build_eframe(move |cc| App::new(&cc.egui_ctx, options)))
    }

    fn sees(&self, text: &str) -> bool {
        self.0.query_all_by_label_contains(text).next().is_some()
    }

    /// Steps until `done` holds.
    #[track_caller]
    fn wait(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        loop {
            self.0.step();
            if done(self) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{what} did not happen; on screen:\n{}", self.words());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[track_caller]
    fn wait_for(&mut self, text: &str) {
        self.wait(&format!("\"{text}\""), |window| window.sees(text));
    }

    /// Everything that has a name, for messages.
    fn words(&self) -> String {
        let named = self.0.query_all_by(|node| node.label().is_some());
        let line = |node: Node<'_>| {
            let node = node.accesskit_node();
            format!("{:?} {}", node.role(), node.label().unwrap_or_default())
        };
        named.map(line).collect::<Vec<_>>().join("\n")
    }

    /// Presses a named control. Where the bar of menus has the same word, the control lies below it.
    #[track_caller]
    fn press(&mut self, role: Role, name: &str) {
        self.wait(&format!("{role:?} \"{name}\" that can be pressed"), |window| {
            window.control(role, name).is_some_and(|node| !node.accesskit_node().is_disabled())
        });
        self.control(role, name).unwrap().click_accesskit();
        self.0.run_steps(2);
    }

    fn control<'a>(&'a self, role: Role, name: &'a str) -> Option<Node<'a>> {
        let all =
            self.0.query_all_by(move |node| node.role() == role && node.label().as_deref() == Some(name));
        all.max_by(|a, b| a.rect().top().total_cmp(&b.rect().top()))
    }

    fn key(&mut self, modifiers: Modifiers, key: Key) {
        self.0.key_press_modifiers(modifiers, key);
        self.0.run_steps(2);
    }

    /// Goes to a workspace by its tab; nothing there lacks a name.
    #[track_caller]
    fn go(&mut self, workspace: &str) {
        self.press(Role::Tab, workspace);
        self.0.run_steps(2);
        self.0.check_accessibility();
    }

    /// Types into a text box and leaves it.
    #[track_caller]
    fn type_into(&mut self, name: &str, text: &str) {
        self.0.get_by_role_and_label(Role::TextInput, name).focus();
        self.0.run_steps(2);
        self.0.get_by_role_and_label(Role::TextInput, name).type_text(text);
        self.0.run_steps(2);
        self.key(Modifiers::NONE, Key::Enter);
    }

    /// The names of the candidates, in their order.
    fn candidates(&self) -> Vec<String> {
        let options = self.0.query_all_by_role(Role::ListBoxOption);
        let mut names: Vec<(usize, String)> = options
            .filter_map(|node| {
                let name = node.accesskit_node().label()?;
                let number = name.strip_prefix("Candidate ")?.split(',').next()?.parse().ok()?;
                Some((number, name))
            })
            .collect();
        names.sort();
        names.into_iter().map(|(_, name)| name).collect()
    }

    /// What stands beside candidate `number`: the last word of its name.
    fn decision(&self, number: usize) -> String {
        let name = self.candidates().get(number - 1).cloned().unwrap_or_default();
        name.rsplit(", ").next().unwrap_or_default().to_owned()
    }

    #[track_caller]
    fn wait_decision(&mut self, number: usize, word: &str) {
        self.wait(&format!("candidate {number} {word}"), |window| {
            window.decision(number) == word && window.saved()
        });
    }

    /// The status bar says so.
    fn saved(&self) -> bool {
        self.0.query_all_by_label("Saved").next().is_some()
    }

    /// A decision by its key; the cursor goes on by itself.
    #[track_caller]
    fn decide(&mut self, key: Key, number: usize, word: &str) {
        self.key(Modifiers::NONE, key);
        self.wait_decision(number, word);
    }

    /// Holds a file over the window and lets it go.
    fn drop_file(&mut self, path: PathBuf) {
        self.0.input_mut().dropped_files.push(Arc::new(Dropped(path)));
        self.0.run_steps(2);
    }
}

#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|error| error.to_string())
    }
}

/// Rows of a manifest by split, label and kind.
fn counts(out: &Path) -> BTreeMap<(String, String, String), usize> {
    let mut counts = BTreeMap::new();
    for row in rows(out) {
        let key = (row["split"].clone(), row["label"].clone(), row["kind"].clone());
        *counts.entry(key).or_default() += 1;
    }
    counts
}

fn rows(out: &Path) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(out.join("manifest.csv")).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

#[test]
fn from_the_example_to_a_proven_folder_and_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (folder.path().join("data"), folder.path().join("balanced set"));
    let mut window = Window::new(&data);

    // Open. The histogram is there, and the model that comes along is loaded.
    window.press(Role::Button, Command::OpenExample.text());
    window.wait_for("bag: 50 real");
    for bar in ["ankle_boot: 400 real", "sandal: 150 real", "sneaker: 1\u{a0}000 real"] {
        assert!(window.sees(bar), "{bar}");
    }
    window.wait_for("image 1 of 2080");
    window.go("Train");
    window.wait_for(MODEL);
    assert!(!window.sees("This model cannot be used"), "{}", window.words());

    // The palette takes the place of a menu that is open.
    window.press(Role::Button, "View");
    assert!(egui::Popup::is_any_open(&window.0.ctx));
    window.key(Modifiers::COMMAND, Key::K);
    assert!(!egui::Popup::is_any_open(&window.0.ctx));
    window.key(Modifiers::NONE, Key::Escape);

    // Plan: eight images of one class.
    window.go("Plan");
    window.press(Role::RadioButton, "A number");
    window.0.get_by_label("Target as a number of images").set_value_accesskit(TARGET as f64);
    window.wait_for("8\u{a0}images");
    window.wait("the target in the histogram", |window| window.sees("bag: 50 real, target 58"));

    // Load the bundled model as a file of one's own: unload it, then drop it on the window.
    let model = example::unpack_model(folder.path()).unwrap();
    window.go("Train");
    window.press(Role::Button, "Unload");
    window.wait_for("No model yet");
    window.drop_file(model);
    window.wait_for(MODEL);
    window.press(Role::Button, Command::Generate.text());

    // Review: every candidate with its probability, none decided.
    window.wait_for("8\u{a0}candidates made");
    window.wait("eight candidates", |window| window.candidates().len() == MADE);
    window.0.check_accessibility();
    for name in window.candidates() {
        assert!(name.contains(", bag, reject ") && name.contains(" percent, verdict "), "{name}");
        assert!(name.ends_with(", undecided"), "{name}");
    }
    assert!(window.sees("Review: 0 of 8 decided"));
    for number in 1..=3 {
        window.decide(Key::A, number, "accepted");
    }
    window.decide(Key::X, 4, "rejected");
    window.key(Modifiers::COMMAND, Key::Z);
    window.wait_decision(4, "undecided");
    window.key(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::Z);
    window.wait_decision(4, "rejected");
    assert!(window.sees("bag: 50 real, 3 made and accepted, target 58"));

    // Nothing is exported while candidates are undecided.
    window.go("Export");
    window.type_into("Export folder", &out.display().to_string());
    window.wait_for("4\u{a0}candidates are undecided. Decide in Review");
    assert!(window.control(Role::Button, Command::Export.text()).unwrap().accesskit_node().is_disabled());
    window.go("Review");
    let first = window.candidates().remove(0);
    window.press(Role::ListBoxOption, &first);
    window.key(Modifiers::NONE, Key::N);
    for number in 5..=MADE {
        window.decide(Key::X, number, "rejected");
    }
    window.wait_for("Review: 8 of 8 decided");

    // Export, and the proof that comes with it.
    window.go("Export");
    window.wait_for("Space needed");
    assert!(!out.exists(), "nothing is written before it is asked for");
    window.press(Role::Button, Command::Export.text());
    let files = PARTS.iter().map(|(_, images)| images).sum::<usize>() + MADE;
    assert_eq!(files, 2088);
    window.wait_for("Exported 2\u{a0}088\u{a0}files");
    let proven = "Verified: 2\u{a0}088\u{a0}files as the manifest says";
    window.wait_for(proven);

    let counts = counts(&out);
    let count = |split: &str, label: &str, kind: &str| {
        counts.get(&(split.to_owned(), label.to_owned(), kind.to_owned())).copied().unwrap_or(0)
    };
    assert_eq!(count("train", "bag", "original"), HAVE);
    assert_eq!(count("train", "bag", "derived"), 3);
    assert_eq!(
        count("train", "bag", "repeated"),
        MADE - 3,
        "slots without an accepted image repeat a real one"
    );
    assert_eq!(count("train", "sneaker", "original"), 1000);
    assert_eq!(counts.values().sum::<usize>(), files);
    for (split, images) in &PARTS[1..] {
        let in_split = counts.iter().filter(|((s, _, kind), _)| s == split && kind == "original");
        assert_eq!(in_split.map(|(_, count)| count).sum::<usize>(), *images, "{split} is copied as it is");
    }
    assert!(out.join("README.md").is_file());
    let made: Vec<_> = rows(&out).into_iter().filter(|row| row["kind"] == "derived").collect();
    for row in &made {
        assert_eq!((row["decision"].as_str(), row["decided_by"].as_str()), ("accepted", "person"));
        assert_eq!(row["method"], "m2m");
        let name = row["file"].rsplit('/').next().unwrap();
        assert!(name.starts_with("syn_"), "{name}");
        for part in ["p_accept", "prior_draw", "confidence"] {
            let value: f64 = row[part].parse().unwrap();
            assert!((0.0..=1.0).contains(&value), "{part} {value}");
        }
    }

    // Damage is found and named; with the bytes back the folder is proven again.
    let hurt = &made[0]["file"];
    let bytes = std::fs::read(out.join(hurt)).unwrap();
    std::fs::write(out.join(hurt), b"no picture").unwrap();
    window.press(Role::Button, "Verify this export");
    window.wait_for(&format!("changed: {hurt}"));
    std::fs::write(out.join(hurt), bytes).unwrap();
    window.press(Role::Button, "Verify this export");
    window.wait("the proof", |window| window.sees(proven) && !window.sees("changed: "));

    // A second window on the project: every decision is there, and undo reaches over the restart.
    drop(window);
    let mut window = Window::new(&data);
    window.press(Role::Button, "Open project fashion");
    window.wait_for("bag: 50 real, 3 made and accepted, target 58");
    window.go("Review");
    window.wait("eight candidates", |window| window.candidates().len() == MADE);
    let words = |window: &Window| (1..=MADE).map(|n| window.decision(n)).collect::<Vec<_>>();
    let expected = [["accepted"; 3].as_slice(), ["rejected"; 5].as_slice()].concat();
    assert_eq!(words(&window), expected);
    window.key(Modifiers::COMMAND, Key::Z);
    window.wait_decision(MADE, "undecided");
    window.key(Modifiers::COMMAND, Key::Y);
    window.wait_decision(MADE, "rejected");
    assert_eq!(words(&window), expected);
}
