//! Who may know whom: reads the sources and fails on any arrow that docs/architecture.md does not draw.
//!
//! The reader is a small lexer, not a compiler: it blanks comments and literals, follows every `crate::`,
//! `counterpoise::` and `super::` path (with nested groups), and the first segment of every path for the names of
//! external crates. The last tests plant violations to show that it sees them.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

/// Top-level folder -> top-level folders it may name.
const ARROWS: [(&str, &[&str]); 11] = [
    ("domain", &[]),
    ("imaging", &["domain"]),
    ("nn", &["domain"]),
    ("classify", &["domain", "imaging", "nn"]),
    ("oversampling", &["domain", "imaging", "nn", "classify"]),
    ("evaluation", &["domain", "imaging", "nn", "classify", "oversampling"]),
    ("project", &["domain", "imaging"]),
    ("export", &["domain", "imaging"]),
    ("jobs", &["domain", "imaging", "nn", "classify", "oversampling", "evaluation", "project", "export"]),
    ("cli", &["jobs", "project", "domain", "imaging"]),
    ("gui", &["jobs", "project", "domain", "imaging"]),
];

/// What nn may take from domain.
const NN_FROM_DOMAIN: [&str; 2] = ["task", "random"];

/// The registry of methods and its parameter tables, which cli and gui may call; of the rest they name types.
const REGISTRY: [&str; 3] = ["registry", "method", "params"];

/// External crate -> folders that may name it. Crates that are not listed are plain helpers, free to all.
const CRATES: [(&str, &[&str]); 27] = [
    ("burn", &["nn", "oversampling", "classify", "evaluation"]),
    ("burn_std", &["nn"]),
    ("pulp", &["nn"]),
    ("faer", &["nn", "oversampling", "evaluation"]),
    ("flate2", &["nn"]),
    ("rustix", &["export"]),
    ("thread_priority", &["jobs"]),
    ("safetensors", &["nn", "oversampling", "classify", "evaluation"]),
    ("wgpu", &["nn", "gui"]),
    ("egui", &["gui"]),
    ("eframe", &["gui"]),
    ("egui_extras", &["gui"]),
    ("egui_plot", &["gui"]),
    ("egui_kittest", &[]),
    // Fonts as bytes, without a window.
    ("epaint_default_fonts", &["evaluation"]),
    ("resvg", &["evaluation"]),
    ("rfd", &["gui"]),
    ("clap", &["cli", "oversampling", "classify"]),
    ("indicatif", &["cli"]),
    ("ctrlc", &["cli"]),
    ("rusqlite", &["project"]),
    ("image", &["imaging"]),
    ("png", &["imaging"]),
    ("fast_image_resize", &["imaging"]),
    ("natord", &["domain"]),
    ("rand_chacha", &["domain"]),
    ("tempfile", &[]),
];

const PRINTING: [&str; 5] = ["println", "eprintln", "print", "eprint", "dbg"];

/// The text with comments, strings and characters blanked, so that only code is left.
fn code_of(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    while i < chars.len() {
        let c = chars[i];
        let word_before = i > 0 && (at(i - 1).is_alphanumeric() || at(i - 1) == '_');
        if c == '/' && at(i + 1) == '/' {
            while i < chars.len() && chars[i] != '\n' {
                i += 1;
            }
        } else if c == '/' && at(i + 1) == '*' {
            let mut depth = 0;
            while i < chars.len() {
                match (at(i), at(i + 1)) {
                    ('/', '*') => (depth, i) = (depth + 1, i + 2),
                    ('*', '/') => (depth, i) = (depth - 1, i + 2),
                    _ => i += 1,
                }
                if depth == 0 {
                    break;
                }
            }
            out.push(' ');
        } else if let Some(end) = (!word_before).then(|| raw_string_end(&chars, i)).flatten() {
            out.push_str("\"\"");
            i = end;
        } else if c == '"' {
            i += 1;
            while i < chars.len() && chars[i] != '"' {
                i += if chars[i] == '\\' { 2 } else { 1 };
            }
            i += 1;
            out.push_str("\"\"");
        } else if c == '\'' && at(i + 1) == '\\' {
            i += 3;
            while i < chars.len() && chars[i] != '\'' {
                i += 1;
            }
            i += 1;
        } else if c == '\'' && at(i + 2) == '\'' {
            i += 3;
        } else {
            out.push(c);
            i += 1;
        }
    }
    out
}

/// Where a raw string that begins at `i` ends, if one begins there.
fn raw_string_end(chars: &[char], i: usize) -> Option<usize> {
    let mut j = i + usize::from(matches!(chars[i], 'b' | 'c'));
    if chars.get(j) != Some(&'r') {
        return None;
    }
    j += 1;
    let hashes = chars[j..].iter().take_while(|c| **c == '#').count();
    j += hashes;
    if chars.get(j) != Some(&'"') {
        return None;
    }
    j += 1;
    while j < chars.len() {
        if chars[j] == '"' && chars[j + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes {
            return Some(j + 1 + hashes);
        }
        j += 1;
    }
    Some(chars.len())
}

/// Words, `::` and single signs.
fn tokens_of(text: &str) -> Vec<String> {
    let code = code_of(text);
    let mut tokens = Vec::new();
    let mut rest = code.chars().peekable();
    while let Some(c) = rest.next() {
        if c.is_alphanumeric() || c == '_' {
            let mut word = c.to_string();
            while let Some(next) = rest.next_if(|next| next.is_alphanumeric() || *next == '_') {
                word.push(next);
            }
            tokens.push(word);
        } else if c == ':' && rest.next_if_eq(&':').is_some() {
            tokens.push("::".to_owned());
        } else if !c.is_whitespace() {
            tokens.push(c.to_string());
        }
    }
    tokens
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Follows the path or use-tree whose next segment is at `i`; adds every full path to `found`.
fn follow(tokens: &[String], mut i: usize, so_far: Vec<String>, found: &mut Vec<Vec<String>>) -> usize {
    match tokens.get(i).map(String::as_str) {
        Some("{") => {
            i += 1;
            while i < tokens.len() && tokens[i] != "}" {
                let next = follow(tokens, i, so_far.clone(), found);
                i = next.max(i + 1);
                while tokens.get(i).is_some_and(|t| t == "as" || t == ",") {
                    i += if tokens[i] == "as" { 2 } else { 1 };
                }
            }
            i + 1
        }
        Some(word) if is_word(word) || word == "*" => {
            let mut path = so_far;
            path.push(word.to_owned());
            i += 1;
            if tokens.get(i).is_some_and(|t| t == "::") {
                return follow(tokens, i + 1, path, found);
            }
            found.push(path);
            i
        }
        _ => {
            // `crate::<T>` or a path that ends in generics: what came so far is the path.
            if !so_far.is_empty() {
                found.push(so_far);
            }
            i
        }
    }
}

/// What a source file names: paths inside the crate (from its root) and external crates.
struct Names {
    /// `use crate::oversampling;` makes `oversampling::x` a path inside, too.
    inside: Vec<Vec<String>>,
    outside: Vec<String>,
    printing: bool,
    unsafe_code: bool,
}

fn names_of(module: &[&str], text: &str) -> Names {
    let tokens = tokens_of(text);
    let mut names = Names { inside: Vec::new(), outside: Vec::new(), printing: false, unsafe_code: false };
    // The module path at each place, with inline modules; the number is the brace depth at which one opened.
    let mut here: Vec<String> = module.iter().map(|s| (*s).to_owned()).collect();
    let mut opened: Vec<usize> = Vec::new();
    let mut depth = 0_usize;
    let mut statement_is_use = false;
    for (i, token) in tokens.iter().enumerate() {
        let next = tokens.get(i + 1).map(String::as_str);
        let before = i.checked_sub(1).and_then(|j| tokens.get(j)).map(String::as_str);
        let first = before != Some("::");
        match token.as_str() {
            "{" => {
                if i >= 2 && tokens[i - 2] == "mod" {
                    here.push(tokens[i - 1].clone());
                    opened.push(depth);
                }
                depth += 1;
            }
            "}" => {
                depth = depth.saturating_sub(1);
                if opened.last() == Some(&depth) {
                    opened.pop();
                    here.pop();
                }
            }
            "use" => statement_is_use = true,
            ";" => statement_is_use = false,
            "crate" | "counterpoise" if first && next == Some("::") => {
                follow(&tokens, i + 2, Vec::new(), &mut names.inside);
            }
            "super" if first && next == Some("::") => {
                let (mut up, mut at) = (1, i + 2);
                while tokens.get(at).is_some_and(|t| t == "super")
                    && tokens.get(at + 1).is_some_and(|t| t == "::")
                {
                    (up, at) = (up + 1, at + 2);
                }
                let base = here[..here.len().saturating_sub(up)].to_vec();
                follow(&tokens, at, base, &mut names.inside);
            }
            "unsafe" | "unsafe_code" => names.unsafe_code = true,
            word if PRINTING.contains(&word) && next == Some("!") => names.printing = true,
            word if is_word(word)
                && first
                && before != Some(".")
                && (next == Some("::") || (statement_is_use && before == Some("use"))) =>
            {
                names.outside.push(word.to_owned());
            }
            _ => {}
        }
    }
    let imported: Vec<String> = names
        .inside
        .iter()
        .filter(|path| path.len() == 1 || (path.len() == 2 && path[1] == "self"))
        .map(|path| path[0].clone())
        .collect();
    for (i, token) in tokens.iter().enumerate() {
        let first = i == 0 || (tokens[i - 1] != "::" && tokens[i - 1] != ".");
        if first && imported.contains(token) && tokens.get(i + 1).is_some_and(|t| t == "::") {
            follow(&tokens, i, Vec::new(), &mut names.inside);
        }
    }
    names.inside.sort();
    names.inside.dedup();
    names
}

/// The violations of one source file; `place` is its path below src, with `/`.
fn violations(place: &str, text: &str) -> Vec<String> {
    let mut parts: Vec<&str> = place.trim_end_matches(".rs").split('/').collect();
    if matches!(parts.last(), Some(&"mod" | &"lib" | &"main")) {
        parts.pop();
    }
    let top = parts.first().copied().unwrap_or("");
    let names = names_of(&parts, text);
    let mut found = Vec::new();
    let allowed = ARROWS.iter().find(|(name, _)| *name == top).map(|(_, to)| *to);
    if !top.is_empty() && allowed.is_none() {
        found.push(format!("{place}: {top} is no folder of the design"));
    }
    for path in &names.inside {
        let shown = path.join("::");
        let Some(to) = path.first().map(String::as_str) else {
            found.push(format!("{place}: names the crate's root"));
            continue;
        };
        let allowed_here = match top {
            // main.rs knows the two ways in; lib.rs only declares modules.
            "" => matches!(to, "cli" | "gui"),
            _ if to == top => true,
            "nn" if to == "domain" => path.get(1).is_some_and(|m| NN_FROM_DOMAIN.contains(&m.as_str())),
            "cli" | "gui" if matches!(to, "oversampling" | "nn" | "classify" | "evaluation" | "export") => {
                let names_a_type = path.iter().any(|segment| segment.starts_with(char::is_uppercase));
                let asks_the_registry = to == "oversampling"
                    && path.get(1).is_none_or(|item| item == "self" || REGISTRY.contains(&item.as_str()));
                names_a_type || asks_the_registry
            }
            _ => allowed.is_some_and(|list| list.contains(&to)),
        };
        if !allowed_here {
            found.push(format!("{place}: {top} may not name {shown}"));
        }
    }
    for name in &names.outside {
        if let Some((_, folders)) = CRATES.iter().find(|(krate, _)| krate == name)
            && !folders.contains(&top)
        {
            found.push(format!("{place}: the crate {name} belongs to {folders:?}"));
        }
    }
    if names.printing && top != "cli" && place != "main.rs" {
        found.push(format!("{place}: prints; only cli does"));
    }
    if names.unsafe_code && !place.starts_with("nn/cpu") {
        found.push(format!("{place}: unsafe code; only nn/cpu may have it"));
    }
    found
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_arrow_is_drawn() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 20, "the sources were not found");
    let mut found = Vec::new();
    for path in files {
        let place: Vec<_> =
            path.strip_prefix(&root).unwrap().iter().map(|p| p.to_string_lossy().into_owned()).collect();
        found.extend(violations(&place.join("/"), &std::fs::read_to_string(&path).unwrap()));
    }
    found.sort();
    found.dedup();
    assert!(found.is_empty(), "{} arrows that are not allowed:\n{}", found.len(), found.join("\n"));
}

#[test]
fn the_drawn_arrows_have_no_circle() {
    fn reaches(from: &str, to: &str) -> bool {
        let (_, next) = ARROWS.iter().find(|(name, _)| *name == from).unwrap();
        next.iter().any(|n| *n == to || reaches(n, to))
    }
    for (name, _) in ARROWS {
        assert!(!reaches(name, name), "{name} reaches itself");
    }
}

/// How many violations a planted file has.
fn planted(place: &str, text: &str) -> usize {
    violations(place, text).len()
}

#[test]
fn planted_arrows_are_caught() {
    assert_eq!(planted("domain/plan.rs", "use crate::imaging::scan;"), 1);
    assert_eq!(planted("imaging/scan.rs", "use crate::domain::splits::Split;"), 0);
    assert_eq!(planted("imaging/scan.rs", "fn f() { crate::project::store::open() }"), 1);
    assert_eq!(planted("imaging/scan.rs", "use crate::{domain::task::Ctx, jobs::{self, engine}};"), 2);
    assert_eq!(planted("imaging/scan.rs", "use crate::domain::{plan::Plan as P, samples::{Sample, *}};"), 0);
    assert_eq!(planted("project/store.rs", "use super::super::export::Manifest;"), 1);
    assert_eq!(planted("project/store.rs", "use super::undo::Step;"), 0);
    assert_eq!(planted("project/mod.rs", "use super::export::Manifest;"), 1);
    assert_eq!(planted("project/store.rs", "mod tests { use super::super::undo::Step; }"), 0);
    assert_eq!(planted("project/store.rs", "mod tests { use super::super::super::export::X; }"), 1);
    assert_eq!(planted("project/store.rs", "mod a { fn f() {} } use super::super::export::X;"), 1);
    assert_eq!(planted("cli/scan.rs", "use crate::gui::App;"), 1);
    assert_eq!(planted("gui/app.rs", "let x: crate::cli::Args = y;"), 1);
    assert_eq!(planted("nn/layers.rs", "use crate::domain::random::Stream;"), 0);
    assert_eq!(planted("nn/layers.rs", "use crate::domain::plan::Plan;"), 1);
    assert_eq!(planted("classify/train.rs", "use crate::oversampling::m2m::fit;"), 1);
    assert_eq!(planted("main.rs", "fn main() { counterpoise::cli::run(); counterpoise::gui::run(); }"), 0);
    assert_eq!(planted("main.rs", "fn main() { counterpoise::jobs::scan::scan(); }"), 1);
    assert_eq!(planted("tools/x.rs", ""), 1, "a folder the design does not have");
}

#[test]
fn the_surfaces_see_the_registry_and_types_alone() {
    assert_eq!(planted("cli/methods.rs", "use crate::oversampling::{method, registry, ParamInfo};"), 0);
    assert_eq!(planted("cli/balance.rs", "crate::oversampling::method(id)"), 0);
    assert_eq!(planted("cli/balance.rs", "crate::oversampling::m2m::translate(x)"), 1);
    assert_eq!(
        planted("gui/views/train.rs", "use crate::oversampling; let m = oversampling::method(id);"),
        0
    );
    assert_eq!(planted("gui/views/train.rs", "use crate::oversampling; oversampling::m2m::fit(x);"), 1);
    assert_eq!(planted("gui/views/train.rs", "use crate::export; export::write(x);"), 2);
    assert_eq!(planted("gui/views/export.rs", "use crate::export::ExportReport;"), 0);
    assert_eq!(planted("gui/views/export.rs", "crate::export::write(ctx)"), 1);
}

#[test]
fn planted_crates_are_caught() {
    assert_eq!(planted("project/store.rs", "use burn::tensor::Tensor;"), 1);
    assert_eq!(planted("nn/layers.rs", "use burn::tensor::Tensor;"), 0);
    assert_eq!(planted("jobs/train.rs", "let d: burn::tensor::Device = x;"), 1);
    assert_eq!(planted("jobs/train.rs", "use burn as b;"), 1);
    assert_eq!(planted("cli/scan.rs", "use egui::Ui;"), 1);
    assert_eq!(planted("jobs/scan.rs", "#[derive(clap::Args)] struct A;"), 1);
    assert_eq!(planted("jobs/scan.rs", "rusqlite::Connection::open(p)"), 1);
    assert_eq!(planted("gui/app.rs", "rfd::FileDialog::new()"), 0);
    assert_eq!(planted("jobs/scan.rs", "rfd::FileDialog::new()"), 1);
    assert_eq!(planted("gui/app.rs", "let t = self.image.png; super::image::f()"), 0);
    assert_eq!(planted("gui/app.rs", "use resvg::usvg::Tree;"), 1);
    assert_eq!(planted("evaluation/report/raster.rs", "use resvg::usvg::Tree;"), 0);
}

#[test]
fn planted_prints_and_unsafe_code_are_caught() {
    assert_eq!(planted("jobs/scan.rs", "println!(\"x\")"), 1);
    assert_eq!(planted("cli/scan.rs", "println!(\"x\"); eprintln!()"), 0);
    assert_eq!(planted("jobs/scan.rs", "unsafe { x() }"), 1);
    assert_eq!(planted("jobs/scan.rs", "#![allow(unsafe_code)]"), 1);
    assert_eq!(planted("nn/cpu/conv.rs", "#![allow(unsafe_code)] unsafe { x() }"), 0);
}

#[test]
fn comments_and_texts_are_no_code() {
    let text = r##"
        //! See [`crate::gui::App`]; println!("x")
        /* crate::jobs /* nested */ unsafe */
        const A: &str = "crate::gui::x \" unsafe";
        const B: &str = r#"unsafe " println!()"#;
        const C: (char, char, char) = ('"', '\'', '\u{41}');
        fn f<'a>(x: &'a str) -> &'a str { x }
        pub(crate) fn g() {}
    "##;
    assert_eq!(violations("domain/x.rs", text), [""; 0]);
    // Code after each of them is still read.
    assert_eq!(planted("domain/x.rs", &format!("{text} use crate::gui::App;")), 1);
}
