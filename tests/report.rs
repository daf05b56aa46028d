//! The page and the charts of a comparison: well-formed, whole, harmless whatever a class is called, and with the
//! numbers that were measured.
#![allow(clippy::unwrap_used)]

use counterpoise::domain::task::Ctx;
use counterpoise::evaluation::comparison::{Adds, Comparison, Entry, Run, TestPart};
use counterpoise::evaluation::generators::{MadeClass, MadeFigure};
use counterpoise::evaluation::metrics::Spread;
use counterpoise::evaluation::metrics::bootstrap::Settings;
use counterpoise::evaluation::report::raster::{self, RasterError};
use counterpoise::evaluation::report::{
    About, Card, Chart, Gallery, GalleryCell, GalleryRow, MadeShown, Page,
};
use counterpoise::evaluation::treatments::{Filled, MadeOf};
use counterpoise::gui::theme::{DARK, LIGHT};
use counterpoise::imaging::decode::{Limits, decode_bytes};
use counterpoise::imaging::picture::Picture;
use egui::Color32;

/// Names as nobody should call a class, and some do.
const HOSTILE: [&str; 5] = [
    "<script>alert(1)</script>",
    "\"quotes\" & 'more' ]]> --> </svg>",
    "אבגדה",
    "\u{202e}turned\u{7}round",
    "a-class-whose-name-goes-on-and-on-and-on-and-on-and-on-and-on-until-nothing-else-has-any-room",
];

/// The hostile names as they stand in a page.
const SAFE: [&str; 5] = [
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&quot;quotes&quot; &amp; &#39;more&#39; ]]&gt; --&gt; &lt;/svg&gt;",
    "אבגדה",
    "\u{fffd}turned round",
    HOSTILE[4],
];

fn entry(name: &str, made: bool) -> Entry {
    let adds = if made { Adds::Made } else { Adds::Nothing };
    Entry { name: name.to_owned(), label: format!("all about {name}"), adds }
}

fn run(name: &str, seed: u64, said: &[usize]) -> Run {
    let (auroc, auprc, calibration_error) = (Some(0.75), None, Some(0.125));
    Run { name: name.to_owned(), seed, said: said.to_vec(), auroc, auprc, calibration_error }
}

fn about() -> About {
    About {
        settings: vec![
            ("seeds".to_owned(), "5, 6".to_owned()),
            ("version".to_owned(), "counterpoise 9.9.9".to_owned()),
        ],
        made: Vec::new(),
        pictures: Vec::new(),
        card: Card {
            kinds: vec![("original".to_owned(), 40), ("synthetic".to_owned(), 2)],
            training_hash: "aa11".to_owned(),
            test_hash: "bb22".to_owned(),
            unreadable: 3,
            folds: None,
        },
        failed: vec!["mixup with seed 6: training ran away".to_owned()],
        warnings: vec!["1 of 4 test images is also a training image".to_owned()],
        complete: true,
        command: "counterpoise evaluate FOLDER --treatments none,drs".to_owned(),
    }
}

fn page_of(classes: &[&str], training: &[usize], truth: &[usize], entries: &[Entry], runs: &[Run]) -> Page {
    let part = TestPart {
        classes: classes.iter().map(|name| (*name).to_owned()).collect(),
        training: training.to_vec(),
        truth: truth.to_vec(),
        units: Vec::new(),
    };
    let settings = Settings { draws: 50, ..Settings::default() };
    let found = Comparison::of(&Ctx::default(), part, entries, "none", runs, &settings).unwrap();
    Page::of(&found, about())
}

/// Three classes, the third without a test image; four test images, two seeds.
fn tiny() -> Page {
    let entries = [entry("none", false), entry("drs", false), entry("folder:some/dir <b>", true)];
    let runs = [
        run("none", 5, &[0, 0, 0, 0]),
        run("none", 6, &[0, 0, 0, 0]),
        run("drs", 5, &[0, 0, 1, 1]),
        run("drs", 6, &[0, 0, 1, 0]),
        run("folder:some/dir <b>", 7, &[0, 1, 1, 1]),
    ];
    page_of(&["down", "across", "never"], &[30, 120, 5], &[0, 0, 1, 1], &entries, &runs)
}

fn hostile() -> Page {
    let entries = [entry("none", false), entry(HOSTILE[0], true), entry(HOSTILE[1], false)];
    let truth = [0, 1, 2, 3, 4];
    let runs = [
        run("none", 1, &[0, 0, 0, 0, 0]),
        run(HOSTILE[0], 1, &[0, 1, 2, 3, 4]),
        run(HOSTILE[1], 1, &[4, 3, 2, 1, 0]),
    ];
    page_of(&HOSTILE, &[50, 40, 30, 20, 10], &truth, &entries, &runs)
}

/// Reads mark-up whose every element is closed, and fails on anything else. Gives its texts, a line for each.
#[track_caller]
fn texts(markup: &str) -> String {
    let mut open: Vec<String> = Vec::new();
    let mut told = String::new();
    let mut rest = markup;
    while let Some(begin) = rest.find('<') {
        let text = &rest[..begin];
        assert!(!text.contains('>'), "a bare > in {text:?}");
        entities(text);
        told += text;
        told.push('\n');
        let length = rest[begin..].find('>').unwrap_or_else(|| panic!("an open tag at {:?}", &rest[begin..]));
        let tag = &rest[begin + 1..begin + length];
        rest = &rest[begin + length + 1..];
        if tag.starts_with('?') || tag == "!DOCTYPE html" {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "closes something else");
            continue;
        }
        let name: String = tag.chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
        assert!(!name.is_empty(), "no tag: {tag:?}");
        assert_ne!(name, "script");
        attributes(&tag[name.len()..]);
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "left open: {open:?}");
    told
}

/// Each & begins an entity.
#[track_caller]
fn entities(text: &str) {
    for after in text.split('&').skip(1) {
        let known = ["amp;", "lt;", "gt;", "quot;", "#39;"];
        assert!(known.iter().any(|name| after.starts_with(name)), "a bare & in {text:?}");
    }
}

/// Names with values in quotes, each name once.
#[track_caller]
fn attributes(text: &str) {
    let parts: Vec<&str> = text.split('"').collect();
    assert!(parts.len() % 2 == 1, "an open quote in {text:?}");
    let mut names: Vec<&str> = Vec::new();
    for pair in parts.chunks(2) {
        match pair {
            [name, value] => {
                entities(value);
                let name = name.trim().strip_suffix('=').unwrap_or_else(|| panic!("no = in {text:?}"));
                assert!(name.starts_with(|c: char| c.is_ascii_alphabetic()), "{name:?} in {text:?}");
                assert!(!name.contains(char::is_whitespace) && !name.starts_with("on"), "{name:?}");
                assert!(!names.contains(&name), "{name} twice in {text:?}");
                names.push(name);
            }
            [end] => assert!(matches!(end.trim(), "" | "/"), "{end:?} in {text:?}"),
            _ => unreachable!("chunks of two"),
        }
    }
}

/// Neither text nor place is a number that is none.
#[track_caller]
fn no_strange_numbers(markup: &str) {
    for word in markup.split(|c: char| !c.is_ascii_alphanumeric()) {
        assert!(!matches!(word, "NaN" | "nan" | "inf" | "Infinity" | "None"), "{word} in {markup}");
    }
}

#[test]
fn everything_is_well_formed_and_harmless() {
    for page in [tiny(), hostile()] {
        let files = page.files();
        assert_eq!(files[0].0, "report.html");
        // Two of all, the changes of all but one, the answers of all.
        assert_eq!(files.len(), 1 + 2 + 2 + 3);
        for (name, text) in &files {
            texts(text);
            no_strange_numbers(text);
            assert!(!text.contains("var(--") || name == "report.html", "{name}: a colour without a value");
            let file = name.strip_prefix("charts/").unwrap_or(name);
            assert!(file.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c)), "{name}");
            assert!(!text.contains('\u{202e}') && !text.contains('\u{7}'), "{name}");
        }
        let mut names: Vec<&String> = files.iter().map(|(name, _)| name).collect();
        names.dedup();
        assert_eq!(names.len(), files.len());
        let html = &files[0].1;
        for outside in ["http:", "https:", "src=", "href=", "url(", "@import", "<img", "<link"] {
            assert!(!html.contains(outside), "{outside}");
        }
        let ids: Vec<&str> =
            html.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        let mut once = ids.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), ids.len(), "an id stands for one thing");
    }
}

#[test]
fn every_class_and_treatment_is_there_whatever_it_is_called() {
    let page = hostile();
    for (name, text) in page.files().iter().filter(|(name, _)| !name.ends_with("acsa.svg")) {
        for safe in SAFE {
            assert!(text.contains(safe), "{safe} in {name}");
        }
    }
    for text in [page.html(), page.svg(Chart::Acsa, "").unwrap(), page.svg(Chart::Recall, "").unwrap()] {
        for safe in ["none", SAFE[0], SAFE[1]] {
            assert!(text.contains(safe), "{safe}");
        }
    }
    let html = page.html();
    assert!(html.contains(&format!("<bdi>{}</bdi>", SAFE[2])), "set apart from what stands beside it");
    // What is cut off in a chart is there for who points at it.
    let chart = page.svg(Chart::Recall, "").unwrap();
    assert!(chart.contains(&format!("<title>{}</title>", SAFE[4])) && chart.contains('…'));
    assert!(page.svg(Chart::Change, "none").is_none(), "it does not change against itself");
    assert!(page.svg(Chart::Confusion, "nobody").is_none());
}

#[test]
fn the_numbers_are_those_of_the_comparison() {
    let page = tiny();
    let html = page.html();
    let told = texts(&html);
    let cells: Vec<&str> = told.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let has = |words: &str| cells.contains(&words);
    // none finds all of down and nothing of across; drs all, and half of across with its second seed.
    for words in [
        "0.500 ± 0.000",
        "0.875 ± 0.177",
        "0.750 ± 0.354",
        "aa11",
        "bb22",
        "40 original, 2 synthetic",
        "24.00 (120 to 5)",
        "counterpoise 9.9.9",
        "counterpoise evaluate FOLDER --treatments none,drs",
        "mixup with seed 6: training ran away",
        "1 of 4 test images is also a training image",
        "the others are held against it",
        "30 training, 2 test",
    ] {
        assert!(has(words), "{words} in {cells:#?}");
    }
    let difference = page.treatment("drs").unwrap().difference().unwrap();
    assert!((difference.value - 0.375).abs() < 1e-9);
    assert!(cells.iter().any(|cell| cell.starts_with("+0.375 (")), "the paired difference");
    assert!(html.contains(&page.summary[0].replace('\'', "&#39;")), "the sentence on top");
    assert!(
        html.find("class=\"lead\"").unwrap() < html.find("<table").unwrap(),
        "the sentence stands before the figures"
    );
    // Classes by falling number of training images.
    let chart = page.svg(Chart::Recall, "").unwrap();
    let place = |name: &str| chart.find(&format!("</title>{name}</text>")).unwrap();
    assert!(place("across") < place("down") && place("down") < place("never"));
    assert!(chart.contains("1.000 (0.342 to 1.000)"), "two of two images, by Wilson");
    let change = page.svg(Chart::Change, "drs").unwrap();
    assert!(change.contains(">recall from 0<") && change.contains(">recall 0 %<"), "{change}");
    let answers = page.svg(Chart::Confusion, "drs").unwrap();
    assert!(answers.contains("across, said to be down: 1 of 4"), "{answers}");
}

#[test]
fn what_generators_gave_is_a_table_of_its_own() {
    let mut page = tiny();
    assert!(!page.html().contains("What generators gave"), "there was none");
    assert!(page.html().contains("made images; seeds 7"));
    let of = |name: &str, filled, seconds| MadeOf {
        name: name.to_owned(),
        seed: 5,
        filled,
        seconds,
        ..MadeOf::default()
    };
    page.about.made = vec![
        of("smote <b>", Some(Filled { slots: 16, made: 12 }), Some(41.23)),
        of("random", Some(Filled { slots: 16, made: 0 }), Some(f64::NAN)),
        of("m2m-online", None, None),
    ];
    (page.treatments[2].made, page.treatments[2].repeated) = (false, true);
    let html = page.html();
    texts(&html);
    no_strange_numbers(&html);
    for words in [
        "smote &lt;b&gt;</bdi><small>seed 5</small></th><td>16</td><td>12</td><td>4</td><td>41.2</td>",
        "<td>16</td><td>0</td><td>16</td><td>-<small>not measured, as it was not done in one go</small>",
        "<td>-<small>its own classifier is measured</small></td>",
        "repeated images; seeds 7",
    ] {
        assert!(html.contains(words), "{words}");
    }
    assert!(!html.contains("made images; seeds"), "{html}");
}

#[test]
fn long_words_stand_above_a_table_and_not_in_its_caption() {
    let mut page = tiny();
    let figure = MadeFigure {
        features: "g".to_owned(),
        name: "KID-g".to_owned(),
        value: 0.5,
        sd: None,
        floor: Some(0.1),
        n_real: 8,
        n_made: 9,
    };
    let class =
        MadeClass { class: "down".to_owned(), fold: None, made: 9, accepted: 9, figures: vec![figure] };
    page.about.made = vec![MadeOf { name: "smote".to_owned(), classes: vec![class], ..MadeOf::default() }];
    page.about.pictures = vec![MadeShown::new("smote", 5, "down", &[vec![1, 2, 3]])];
    let html = page.html();
    texts(&html);
    let captions: Vec<&str> =
        html.split("<caption>").skip(1).map(|rest| rest.split("</caption>").next().unwrap()).collect();
    assert!(captions.contains(&"Quality of all made images"), "{captions:?}");
    for caption in captions {
        assert!(caption.chars().count() <= 80, "scrolls away with its table: {caption}");
    }
    assert!(
        html.contains("<p class=\"muted\">Figures of all made images beside the same between real images")
    );
}

#[test]
fn made_images_are_shown_as_what_they_are() {
    let mut page = tiny();
    assert!(!page.html().contains("<img") && !page.html().contains("Gallery"));
    page.about.made = vec![MadeOf { name: "smote".to_owned(), ..MadeOf::default() }];
    page.about.pictures = vec![MadeShown::new("smote <b>", 5, "down", &[vec![1, 2, 3], vec![4]])];
    let html = page.html();
    texts(&html);
    for words in [
        "<h2>Gallery</h2>",
        "img-src data:",
        "none of them is real",
        "<img alt=\"made image 1 of down by smote &lt;b&gt;\" src=\"data:image/png;base64,AQID\"/>made</td>",
        "src=\"data:image/png;base64,BA==\"/>made</td></tr>",
    ] {
        assert!(html.contains(words), "{words}");
    }
}

/// The bytes behind base 64.
#[track_caller]
fn from_base64(text: &str) -> Vec<u8> {
    let value = |letter: u8| match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => panic!("{letter} in {text:?}"),
    };
    let letters = text.trim_end_matches('=');
    assert_eq!(text.len(), letters.len().next_multiple_of(4), "{text:?}");
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for letter in letters.bytes() {
        held = (held << 6) | u32::from(value(letter));
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1_u32 << bits) - 1;
        }
    }
    assert_eq!(held, 0, "bits of no byte in {text:?}");
    bytes
}

#[test]
fn pictures_are_inside_the_page_in_the_published_base_64() {
    // RFC 4648, section 10, and the two letters that are none of the alphabet.
    let published: [(&[u8], &str); 8] = [
        (b"", ""),
        (b"f", "Zg=="),
        (b"fo", "Zm8="),
        (b"foo", "Zm9v"),
        (b"foob", "Zm9vYg=="),
        (b"fooba", "Zm9vYmE="),
        (b"foobar", "Zm9vYmFy"),
        (&[0xff, 0xef, 0xbe], "/+++"),
    ];
    let mut files: Vec<Vec<u8>> = published.iter().map(|(bytes, _)| bytes.to_vec()).collect();
    // Every letter, and each of the three ends.
    files.extend((253..=255_u8).map(|last| (0..=last).collect::<Vec<u8>>()));
    let mut page = tiny();
    page.about.made = vec![MadeOf { name: "smote".to_owned(), ..MadeOf::default() }];
    page.about.pictures = vec![MadeShown::new("smote", 5, "down", &files)];
    let html = page.html();
    let shown: Vec<&str> = html
        .split("src=\"data:image/png;base64,")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert_eq!(shown.len(), files.len());
    for ((bytes, text), shown) in published.iter().zip(&shown) {
        assert_eq!(shown, text, "{bytes:?}");
    }
    for (bytes, shown) in files.iter().zip(&shown) {
        assert_eq!(from_base64(shown), *bytes, "{shown}");
    }
}

#[test]
fn recalls_have_intervals_and_a_page_with_fewer_figures_is_still_shown() {
    let page = tiny();
    let html = page.html();
    let heads = |html: &str| html.matches("<th scope=\"col\">kappa</th>").count();
    let held = "<small>against <bdi>none</bdi> ";
    assert!(heads(&html) > 1 && html.contains(held), "the figures, their differences and those of recalls");
    let words = texts(&html);
    assert!(words.contains("AUROC, AUPRC and calibration error need the probabilities"), "{words}");
    // As an earlier version kept it.
    let mut kept = serde_json::to_value(&page).unwrap();
    for row in kept["treatments"].as_array_mut().unwrap() {
        for list in ["intervals", "differences"] {
            row[list].as_array_mut().unwrap().truncate(5);
        }
        for class in row["classes"].as_array_mut().unwrap() {
            for name in ["recall_interval", "recall_difference"] {
                assert!(class.as_object_mut().unwrap().remove(name).is_some(), "{name}");
            }
        }
    }
    let read: Page = serde_json::from_value(kept).unwrap();
    let html = read.html();
    texts(&html);
    assert!(heads(&html) == 1 && !html.contains(held), "no column of dashes for what was not measured");
}

#[test]
fn what_has_no_value_is_a_dash_with_its_reason() {
    let page = tiny();
    let html = page.html();
    for words in [
        "-<small>no test image</small>",
        "-<small>not measured</small>",
        "-<small>no shared seed</small>",
        "-<small>the others are held against it</small>",
        "0.000 ± 0.000<small>0 of 0 with 2 seeds</small>",
    ] {
        assert!(html.contains(words), "{words}");
    }
    assert!(!html.contains("the best that adds no images"), "nothing is held against it");
    assert!(page.svg(Chart::Acsa, "").unwrap().contains("- (no shared seed)"));
    assert!(page.svg(Chart::Recall, "").unwrap().contains("- (no test image, so no recall)"));
    assert!(page.svg(Chart::Change, "drs").unwrap().contains("recall - (no test image)"));
    assert!(page.svg(Chart::Confusion, "drs").unwrap().contains("- (no test image)"));
    // Alone, and broken off.
    let mut alone =
        page_of(&["a", "b"], &[3, 0], &[0, 1], &[entry("none", false)], &[run("none", 0, &[0, 0])]);
    alone.about.complete = false;
    let html = alone.html();
    texts(&html);
    texts(&alone.svg(Chart::Acsa, "").unwrap());
    assert!(html.contains("stopped before its end") && html.contains("- (a class has no training image)"));
    // Numbers that are none never reach the page, also where somebody else put them in.
    let mut broken = tiny();
    let row = &mut broken.treatments[1];
    row.figures[0].1.mean = f64::NAN;
    row.classes[0].recall.as_mut().unwrap().mean = f64::INFINITY;
    row.differences[0].as_mut().unwrap().high = f64::NAN;
    for (_, text) in broken.files() {
        texts(&text);
        no_strange_numbers(&text);
    }
}

#[test]
fn what_adds_images_is_held_against_the_best_that_adds_none() {
    let page = hostile();
    assert_eq!(page.best_free(), Some(HOSTILE[1]));
    let against = page.treatments[1].against_free.as_ref().unwrap();
    assert!(page.treatments[2].against_free.is_none());
    let found = against.differences[0].unwrap();
    assert!((found.value - 0.8).abs() < 1e-12, "five of five and one of five");
    let html = page.html();
    let told = texts(&html);
    for words in ["the best that adds no images", "it adds no images", "+0.800 (", "Differences against"] {
        assert!(told.contains(words), "{words} in {told}");
    }
    // A page of an earlier version has no such thing, and is read.
    let mut kept = serde_json::to_value(&page).unwrap();
    for row in kept["treatments"].as_array_mut().unwrap() {
        row.as_object_mut().unwrap().remove("against_free");
    }
    let read: Page = serde_json::from_value(kept).unwrap();
    assert!(read.best_free().is_none() && !read.html().contains("the best that adds no images"));
    // What intervals are is said as they are made.
    for words in ["Student&#39;s law", "randomisation test", "always together"] {
        assert!(html.contains(words), "{words}");
    }
}

#[test]
fn charts_say_what_they_show_and_have_the_colours_of_the_window() {
    let page = tiny();
    for chart in Chart::ALL {
        let text = page.svg(chart, "drs").unwrap();
        assert!(text.contains("xmlns=\"http://www.w3.org/2000/svg\"") && text.contains("role=\"img\""));
        assert!(text.contains("<title id=") && text.contains("<desc id=") && text.contains("drs"));
    }
    let html = page.html();
    let hex = |colour: Color32| format!("#{:02x}{:02x}{:02x}", colour.r(), colour.g(), colour.b());
    for (name, light, dark) in [
        ("background", LIGHT.background, DARK.background),
        ("panel", LIGHT.panel, DARK.panel),
        ("raised", LIGHT.raised, DARK.raised),
        ("line", LIGHT.line, DARK.line),
        ("text", LIGHT.text, DARK.text),
        ("muted", LIGHT.muted, DARK.muted),
        ("accent", LIGHT.accent, DARK.accent),
        ("accepted", LIGHT.accepted, DARK.accepted),
        ("rejected", LIGHT.rejected, DARK.rejected),
        ("warning", LIGHT.warning, DARK.warning),
        ("failure", LIGHT.failure, DARK.failure),
    ] {
        for colour in [light, dark] {
            assert!(html.contains(&format!("--{name}:{};", hex(colour))), "{name}");
        }
    }
    assert!(html.contains("prefers-color-scheme:dark") && html.contains("@media print"));
}

#[test]
fn maps_are_inside_the_page_with_their_words() {
    let seen = GalleryCell {
        png: b"foobar".to_vec(),
        said: HOSTILE[0].to_owned(),
        probability: 0.875,
        right: false,
        caption: "Grad-CAM: 0 to 0.500".to_owned(),
        deletion: 0.125,
        insertion: f64::NAN,
    };
    let row = GalleryRow {
        png: b"foo".to_vec(),
        image: "down/\"one\" & two.png".to_owned(),
        class: HOSTILE[3].to_owned(),
        cells: vec![Ok(seen), Err("No map of <trees>.".to_owned())],
    };
    let gallery = Gallery {
        sentences: vec!["Grad-CAM of the true class.".to_owned()],
        treatments: vec!["none".to_owned(), HOSTILE[1].to_owned()],
        rows: vec![row],
    };
    let page = tiny();
    let html = page.html_with(&gallery);
    let told = texts(&html);
    no_strange_numbers(&html);
    for words in [
        "Where the classifiers look",
        "Grad-CAM of the true class.",
        SAFE[0],
        SAFE[1],
        SAFE[3],
        "0.875, wrong",
        "deletion 0.125",
        "insertion -",
        "Grad-CAM: 0 to 0.500",
        "No map of &lt;trees&gt;.",
    ] {
        assert!(told.contains(words), "{words} in {told}");
    }
    // The pictures come along, and nothing else is loaded.
    assert!(html.contains("src=\"data:image/png;base64,Zm9v\"") && html.contains("base64,Zm9vYmFy\""));
    assert!(html.contains("alt=\"down/&quot;one&quot; &amp; two.png of class"));
    assert!(html.contains("default-src &#39;none&#39;") && html.contains("img-src data:"));
    assert_eq!(html.matches("src=").count(), html.matches("src=\"data:image/png;base64,").count());
    for outside in ["http:", "https:", "href=", "url(", "@import", "<link"] {
        assert!(!html.contains(outside), "{outside}");
    }
    // Without maps the page allows no picture at all.
    assert!(!page.html().contains("img-src"));
    assert_eq!(html.matches("class=\"maps\"").count(), 1);
}

#[test]
fn a_page_reads_back_the_same() {
    let page = tiny();
    let text = serde_json::to_string(&page).unwrap();
    let again: Page = serde_json::from_str(&text).unwrap();
    // To the digits that are shown: the last bit of a number may change on its way through text.
    assert_eq!(again.files(), page.files());
}

/// All charts of a page by name, as SVG.
fn drawings(page: &Page) -> Vec<(String, String)> {
    let files = page.files().into_iter();
    files.filter(|(name, _)| name.ends_with(".svg")).collect()
}

/// Width and height of a drawing in its units.
fn units(svg: &str) -> [u32; 2] {
    ["width", "height"].map(|side| {
        let rest = svg.split(&format!(" {side}=\"")).nth(1).unwrap();
        rest.split('"').next().unwrap().parse().unwrap()
    })
}

#[track_caller]
fn pixels(png: &[u8]) -> Picture {
    decode_bytes(png, &Limits::default()).unwrap().picture
}

/// Places, column and row, where two pictures of one size are not the same.
fn differing(a: &Picture, b: &Picture) -> Vec<[u32; 2]> {
    assert_eq!([a.width, a.height], [b.width, b.height]);
    let (a_samples, b_samples) = (a.to_u8(), b.to_u8());
    let both = a_samples.chunks(3).zip(b_samples.chunks(3)).enumerate();
    both.filter(|(_, (a, b))| a != b).map(|(at, _)| [at as u32 % a.width, at as u32 / a.width]).collect()
}

#[test]
fn each_chart_is_drawn_as_a_picture_of_twice_its_size() {
    let page = tiny();
    let all = drawings(&page);
    assert_eq!(all.len(), 2 + 2 + 3);
    for (name, svg) in &all {
        let png = raster::png(svg, raster::SCALE).unwrap();
        assert_eq!(png, raster::png(svg, raster::SCALE).unwrap(), "{name}: the same chart, the same bytes");
        let picture = pixels(&png);
        assert_eq!([picture.width, picture.height], units(svg).map(|side| 2 * side), "{name}");
        let samples = picture.to_u8();
        let dark = samples.chunks(3).filter(|colour| colour.iter().all(|&sample| sample < 96)).count();
        assert!(dark > 300, "{name}: {dark} pixels as dark as letters");
        assert_eq!(samples[..3], [255; 3], "{name}: its ground is white");

        let reader = png::Decoder::new(std::io::Cursor::new(&png)).read_info().unwrap();
        let info = reader.info();
        let density = info.pixel_dims.unwrap();
        assert_eq!((density.xppu, density.yppu), (7559, 7559), "192 pixels an inch");
        assert!(matches!(density.unit, png::Unit::Meter));
        let told = &info.uncompressed_latin1_text;
        let text = |key: &str| told.iter().find(|text| text.keyword == key).unwrap().text.as_str();
        assert!(
            svg.contains(&format!(">{}</title>", text("Title").replace('<', "&lt;").replace('>', "&gt;")))
        );
        assert!(text("Description").len() > 60, "{name}: what it shows, in words");
    }
}

#[test]
fn words_are_drawn_and_what_is_strong_is_heavier() {
    let svg = tiny().svg(Chart::Acsa, "").unwrap();
    let whole = pixels(&raster::png(&svg, raster::SCALE).unwrap());
    let title = ">ACSA of each treatment</text>";
    assert_eq!(svg.matches(title).count(), 1);
    let without = pixels(&raster::png(&svg.replace(title, "></text>"), raster::SCALE).unwrap());
    let gone = differing(&whole, &without);
    assert!(gone.len() > 500, "{} pixels are the title", gone.len());
    assert!(gone.iter().all(|[_, row]| (10..62).contains(row)), "where the title stands, at 24 units");

    let plain = svg.replace("class=\"title\"", "class=\"plain\" style=\"font-size:15px\"");
    let plain = pixels(&raster::png(&plain, raster::SCALE).unwrap());
    let ink = |picture: &Picture| picture.to_u8().iter().map(|&sample| u64::from(255 - sample)).sum::<u64>();
    assert!(ink(&whole) > ink(&plain), "the title is heavier than other words of its size");
}

#[test]
fn charts_are_drawn_whatever_a_class_is_called_and_whatever_is_missing() {
    for (_, svg) in drawings(&hostile()) {
        assert_eq!(pixels(&raster::png(&svg, 1.0).unwrap()).width, units(&svg)[0]);
    }
    // Names with letters of our own fonts, of the system's where it has any, and of none at all.
    let names = ["Größe & <Ähre>", "良性肿瘤", "опухоль Ω", "ورم", "\u{e123}\u{10ffff}", "🩻"];
    let entries = [entry("none", false), entry("drs", false)];
    let truth = [0, 1, 2, 3, 4, 5];
    let runs = [run("none", 1, &truth), run("drs", 1, &[0; 6])];
    let page = page_of(&names, &[6, 5, 4, 3, 2, 1], &truth, &entries, &runs);
    for (name, svg) in drawings(&page) {
        let png = raster::png(&svg, 1.0).unwrap();
        assert_eq!(png, raster::png(&svg, 1.0).unwrap(), "{name}");
    }
    let recall = page.svg(Chart::Recall, "").unwrap();
    let whole = pixels(&raster::png(&recall, 1.0).unwrap());
    for name in ["Größe &amp; &lt;Ähre&gt;", "опухоль Ω"] {
        let without = recall.replacen(&format!("</title>{name}</text>"), "</title></text>", 1);
        assert_ne!(without, recall, "{name}");
        let gone = differing(&whole, &pixels(&raster::png(&without, 1.0).unwrap()));
        assert!(gone.len() > 60, "{name}: {} pixels", gone.len());
    }

    // Nothing that was measured is finite.
    let mut page = tiny();
    for row in &mut page.treatments {
        row.figures.clear();
        row.differences.iter_mut().for_each(|difference| *difference = None);
        for class in &mut row.classes {
            (class.recall, class.precision, class.f1, class.f05) = (None, None, None, None);
        }
        row.confusion.iter_mut().flatten().for_each(|answers| *answers = 0);
    }
    let nothing = Spread { mean: f64::NAN, sd: Some(f64::INFINITY) };
    page.treatments[1].figures.push(("acsa".to_owned(), nothing));
    for (_, svg) in drawings(&page) {
        raster::png(&svg, raster::SCALE).unwrap();
    }
}

#[test]
fn a_drawing_has_a_white_ground_loads_nothing_and_is_of_a_size_that_can_be_shown() {
    let drawing = |width: u32, height: u32, body: &str| {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\">{body}</svg>"
        )
    };
    let square = "<rect width=\"1\" height=\"1\" fill=\"#000000\"/>";
    let picture = pixels(&raster::png(&drawing(2, 1, square), 1.0).unwrap());
    assert_eq!(picture.to_u8(), [0, 0, 0, 255, 255, 255]);

    let place = tempfile::tempdir().unwrap();
    let other = place.path().join("other.svg");
    std::fs::write(&other, drawing(2, 1, square)).unwrap();
    let pointing = format!("<image href=\"{}\" width=\"2\" height=\"1\"/>", other.display());
    let picture = pixels(&raster::png(&drawing(2, 1, &pointing), 1.0).unwrap());
    assert_eq!(picture.to_u8(), [255; 6]);

    let wide = raster::png(&drawing(40_000, 4, square), raster::SCALE).unwrap();
    assert_eq!(png::Decoder::new(std::io::Cursor::new(&wide)).read_info().unwrap().info().width, 32_767);
    let refused = raster::png(&drawing(80_000, 4, square), raster::SCALE).unwrap_err();
    assert!(matches!(refused, RasterError::TooLarge { .. }));
    assert!(refused.to_string().contains("80000 by 4"), "{refused}");
    for no_drawing in ["", "<svg", "<html/>"] {
        assert!(matches!(raster::png(no_drawing, 1.0), Err(RasterError::Svg(_))), "{no_drawing}");
    }
}

#[test]
fn names_of_columns_have_the_room_they_need() {
    let height = |name: &str| {
        let entries = [entry("none", false)];
        let runs = [run("none", 0, &[0, 1])];
        let page = page_of(&["a", name], &[2, 1], &[0, 1], &entries, &runs);
        units(&page.svg(Chart::Confusion, "none").unwrap())[1]
    };
    assert!(height("b") < 200, "two cells of 48 below the title: {}", height("b"));
    assert!(height("pneumonia") > height("b") + 60);
    assert!(height("PNEUMONIA") > height("pneumonia"), "capital letters are wider");
    let whole = height(&"x".repeat(24));
    assert!(whole > height(&"x".repeat(12)) + 90, "{whole}");
    assert!((whole..whole + 8).contains(&height(&"x".repeat(60))), "what is longer is cut off");
}
