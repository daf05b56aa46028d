//! The orders of Data and Review: changed in place as if they were made anew, made beside the frames where a
//! list is long, and never replaced by an older one. And how often work may wake the window.
#![allow(clippy::unwrap_used)]

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use counterpoise::domain::classes::natural_order;
use counterpoise::domain::decisions::{DecidedBy, Decision, Verdict};
use counterpoise::domain::provenance::{Kind, Parts};
use counterpoise::domain::samples::{Dataset, ImageInfo, Sample};
use counterpoise::domain::splits::Split;
use counterpoise::gui::app::{App, AppOptions};
use counterpoise::gui::command::Command;
use counterpoise::gui::filter::{Filter, Measure};
use counterpoise::gui::order::IN_PLACE;
use counterpoise::gui::pace::{PACE, Pace};
use counterpoise::gui::state::{DataView, ProjectState, ReviewView, Source, State, Workspace, facts, id_at};
use counterpoise::gui::tiles::Reach;
use counterpoise::project::{CandidateRow, Decided, NewCandidate, Settings};
use egui::vec2;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use proptest::prelude::*;

/// Of the data set; candidates may also be of the last of [`NAMES`].
const CLASSES: [&str; 3] = ["a", "b2", "b10"];
const NAMES: [&str; 4] = ["a", "b2", "b10", "b7"];
const TEXTS: [&str; 10] = [
    "",
    "undecided",
    "!rejected",
    "class(b2) || accepted",
    "confidence > 0.4 && !accepted",
    "score >= 0",
    "verdict(accepted)",
    "verdict(prior) && undecided",
    "confidence >",
    "slot < 3",
];

/// A candidate with few different values, so that many are alike.
#[derive(Clone, Debug)]
struct Spec {
    /// Ids left out before it.
    gap: i64,
    class: usize,
    slot: u32,
    p_accept: Option<u8>,
    confidence: Option<u8>,
    score: Option<i8>,
    decision: Decision,
}

fn row(id: i64, spec: &Spec) -> CandidateRow {
    let quarter = |part: u8| f64::from(part) / 4.0;
    let parts = Parts {
        p_accept: spec.p_accept.map(quarter),
        draw: spec.p_accept.map(|_| 0.4),
        confidence: spec.confidence.map(quarter),
        threshold: spec.confidence.map(|_| 0.5),
    };
    CandidateRow {
        id,
        run: 1,
        decision: spec.decision,
        decided_by: (spec.decision != Decision::Undecided).then_some(DecidedBy::Person),
        made: Arc::new(NewCandidate {
            class: NAMES[spec.class].to_owned(),
            slot: spec.slot,
            attempt: 0,
            file: format!("candidates/1/{id}.png"),
            sha256: String::new(),
            method: "m2m".to_owned(),
            model_hash: String::new(),
            kind: Kind::Derived,
            seed: 0,
            seed_file: None,
            seed_class: None,
            seed_sha256: None,
            verdict: Verdict::of(&parts),
            parts,
            own_score: spec.score.map(|score| ("score".to_owned(), f64::from(score))),
            nearest_file: None,
            nearest_distance: None,
            extra: serde_json::Value::Null,
        }),
    }
}

/// Rows that follow those with ids up to `last`.
fn rows_after(last: i64, specs: &[Spec]) -> Vec<CandidateRow> {
    let mut id = last;
    let next = |spec: &Spec| {
        id += 1 + spec.gap;
        row(id, spec)
    };
    specs.iter().map(next).collect()
}

/// Undecided candidates whose confidences run through four values.
fn many(count: usize) -> Vec<CandidateRow> {
    let spec = |number: usize| Spec {
        gap: 0,
        class: number % 3,
        slot: number as u32,
        p_accept: Some(3),
        confidence: Some((number * 7 % 4) as u8),
        score: None,
        decision: Decision::Undecided,
    };
    rows_after(0, &(0..count).map(spec).collect::<Vec<_>>())
}

fn dataset(images: usize) -> Dataset {
    let sample = |number: usize| Sample {
        path: format!("{}/{number:05}.png", CLASSES[number % 3]),
        class: number % 3,
        split: Split::ALL[number % 2],
        group: None,
        kind: Kind::Original,
        info: ImageInfo { width: 28, height: 28, channels: 1, bits: 8, bytes: 800 },
        excluded: number.is_multiple_of(5),
    };
    Dataset {
        root: PathBuf::from("/nowhere/set"),
        classes: CLASSES.map(str::to_owned).to_vec(),
        samples: (0..images).map(sample).collect(),
        has_splits: true,
        ..Dataset::default()
    }
}

fn state_of(candidates: Vec<CandidateRow>) -> State {
    let dir = PathBuf::from("/nowhere/project");
    let mut project = ProjectState::new("set".to_owned(), dir, Arc::new(dataset(30)), Settings::default());
    project.candidates = Arc::new(candidates);
    project.refresh_candidates();
    let mut state = State::new();
    state.workspace = Workspace::Review;
    state.source = Source::Open;
    state.project = Some(project);
    state
}

fn rows(state: &State) -> Arc<Vec<CandidateRow>> {
    state.project.as_ref().unwrap().candidates.clone()
}

/// The order by the words of the manual: filter, then sort everything.
fn expected(review: &ReviewView, filter: &Filter, rows: &[CandidateRow], class: Option<usize>) -> Vec<usize> {
    let sort = if review.blind && review.sort.is_judgement() { Measure::Slot } else { review.sort };
    let shows = |row: &CandidateRow| {
        class.is_none_or(|class| row.class == CLASSES[class])
            && (review.blind || review.verdict.is_none_or(|verdict| row.verdict == verdict))
            && review.decision.is_none_or(|decision| row.decision == decision)
            && (review.blind && filter.asks_judgement() || filter.passes(&facts(row)))
    };
    let mut shown: Vec<usize> = (0..rows.len()).filter(|&position| shows(&rows[position])).collect();
    shown.sort_by(|&a, &b| {
        let (a, b) = (&rows[a], &rows[b]);
        let by_class =
            if sort == Measure::Slot { natural_order(&a.class, &b.class) } else { Ordering::Equal };
        let by_part = match (sort.of(&facts(a)), sort.of(&facts(b))) {
            (Some(x), Some(y)) if review.descending => y.partial_cmp(&x).unwrap(),
            (Some(x), Some(y)) => x.partial_cmp(&y).unwrap(),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        by_class.then(by_part).then(a.id.cmp(&b.id))
    });
    shown
}

/// What a person, or a run, does.
#[derive(Clone, Debug)]
enum Step {
    Decide(Vec<usize>, Decision),
    Undo,
    Add(Vec<Spec>),
    Text(&'static str),
    Quick(Option<Decision>),
    Verdict(Option<Verdict>),
    Sort(Measure),
    Turn,
    Class(Option<usize>),
    Blind,
    Choose(usize, bool),
}

fn spec() -> impl Strategy<Value = Spec> {
    let numbers = (0..3_i64, 0..NAMES.len(), 0..6_u32);
    let parts = (prop::option::of(0..5_u8), prop::option::of(0..5_u8), prop::option::of(-2..3_i8));
    (numbers, parts, decision()).prop_map(|((gap, class, slot), (p_accept, confidence, score), decision)| {
        Spec { gap, class, slot, p_accept, confidence, score, decision }
    })
}

fn decision() -> impl Strategy<Value = Decision> {
    prop::sample::select(Decision::ALL.to_vec())
}

fn step() -> impl Strategy<Value = Step> {
    let verdict = prop::option::of(prop::sample::select(Verdict::ALL.to_vec()));
    prop_oneof![
        6 => (prop::collection::vec(any::<usize>(), 1..8), decision())
            .prop_map(|(which, decision)| Step::Decide(which, decision)),
        3 => Just(Step::Undo),
        2 => prop::collection::vec(spec(), 1..5).prop_map(Step::Add),
        3 => prop::sample::select(TEXTS.to_vec()).prop_map(Step::Text),
        2 => prop::option::of(decision()).prop_map(Step::Quick),
        1 => verdict.prop_map(Step::Verdict),
        2 => prop::sample::select(Measure::ALL.to_vec()).prop_map(Step::Sort),
        1 => Just(Step::Turn),
        1 => prop::option::of(0..CLASSES.len()).prop_map(Step::Class),
        1 => Just(Step::Blind),
        3 => (any::<usize>(), any::<bool>()).prop_map(|(place, toggle)| Step::Choose(place, toggle)),
    ]
}

/// The decisions of these rows as they are, to go back to.
fn as_they_are(rows: &[CandidateRow], positions: &BTreeSet<usize>) -> Vec<Decided> {
    let row = |&position: &usize| {
        let row = &rows[position];
        Decided { id: row.id, decision: row.decision, by: row.decided_by }
    };
    positions.iter().map(row).collect()
}

/// Takes a step. `undo` has the decisions to go back to.
fn take(state: &mut State, undo: &mut Vec<Vec<Decided>>, step: Step) {
    let rows = rows(state);
    let review = &mut state.review;
    match step {
        Step::Decide(which, decision) => {
            let positions: BTreeSet<usize> = which.iter().map(|at| at % rows.len()).collect();
            undo.push(as_they_are(&rows, &positions));
            let by = (decision != Decision::Undecided).then_some(DecidedBy::Person);
            // In the order in which they were asked for, some twice.
            let ids = which.iter().map(|at| rows[at % rows.len()].id);
            let decided: Vec<Decided> = ids.map(|id| Decided { id, decision, by }).collect();
            drop(rows);
            state.decided(&decided);
        }
        Step::Undo => {
            drop(rows);
            if let Some(before) = undo.pop() {
                state.decided(&before);
            }
        }
        Step::Add(specs) => {
            let added = rows_after(rows.last().unwrap().id, &specs);
            drop(rows);
            state.added(&added);
        }
        Step::Text(text) => review.filter = text.to_owned(),
        Step::Quick(decision) => review.decision = decision,
        Step::Verdict(verdict) => review.verdict = verdict,
        Step::Sort(measure) => review.sort = measure,
        Step::Turn => review.descending = !review.descending,
        Step::Class(class) => state.class_filter = class,
        Step::Blind => review.blind = !review.blind,
        Step::Choose(place, toggle) => {
            let len = review.tiles.order.len().max(1);
            let reach = if toggle { Reach::Toggle } else { Reach::Only };
            review.tiles.choose(place % len, reach, |position| id_at(&rows, position));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn what_is_brought_up_to_date_is_what_would_be_made_anew(
        specs in prop::collection::vec(spec(), 1..40),
        steps in prop::collection::vec(step(), 1..25),
    ) {
        let mut state = state_of(rows_after(10, &specs));
        state.put_in_order();
        let mut undo = Vec::new();
        let mut filter = Filter::default();
        for step in steps {
            let words = format!("{step:?}");
            let chooses = matches!(step, Step::Choose(..));
            let before = state.review.clone();
            take(&mut state, &mut undo, step);
            state.put_in_order();
            let (review, project) = (&state.review, state.project.as_ref().unwrap());
            // A text that is no filter leaves the last one in force.
            filter = Filter::parse(&review.filter).unwrap_or(filter);
            let wanted = expected(review, &filter, &project.candidates, state.class_filter);
            prop_assert_eq!(&*review.tiles.order, &wanted, "{}", words);

            let mut anew = if chooses { review.clone() } else { before };
            anew.filter.clone_from(&review.filter);
            (anew.decision, anew.verdict, anew.blind) = (review.decision, review.verdict, review.blind);
            (anew.sort, anew.descending) = (review.sort, review.descending);
            anew.invalidate();
            anew.refresh(&project.candidates, &project.dataset.classes, state.class_filter);
            prop_assert_eq!(&anew.tiles.order, &review.tiles.order, "{}", words);
            prop_assert_eq!(anew.tiles.cursor, review.tiles.cursor, "{}", words);
            prop_assert_eq!(&anew.tiles.selected, &review.tiles.selected, "{}", words);

            let mut counted = project.clone();
            counted.refresh_candidates();
            prop_assert_eq!(&counted.figures.accepted, &project.figures.accepted, "{}", words);
            prop_assert_eq!(counted.figures.undecided, project.figures.undecided, "{}", words);
            prop_assert_eq!(&counted.figures.now, &project.figures.now, "{}", words);
        }
    }
}

/// The order that would be made anew.
fn made_anew(state: &State) -> Vec<usize> {
    let filter = Filter::parse(&state.review.filter).unwrap();
    expected(&state.review, &filter, &rows(state), state.class_filter)
}

/// Makes the order that is asked for on the list as it is, as the app's job does.
fn make(state: &mut State) {
    let rows = rows(state);
    let asked = state.review.begin().unwrap();
    let (number, order) = (asked.number, asked.rule.make(&rows));
    state.review.take(number, order, &rows);
}

/// A state with so many candidates that every order is left to a job, the first one made.
fn long(count: usize) -> State {
    let mut state = state_of(many(count));
    state.review.at_once = count - 1;
    state.put_in_order();
    assert!(state.review.tiles.order.is_empty() && state.review.is_waiting());
    assert_eq!(state.review.tiles.cursor, None);
    make(&mut state);
    assert_eq!(*state.review.tiles.order, made_anew(&state));
    assert_eq!(state.review.tiles.cursor, Some(1));
    state
}

fn decide(state: &mut State, ids: impl Iterator<Item = i64>, decision: Decision) {
    let by = (decision != Decision::Undecided).then_some(DecidedBy::Person);
    state.decided(&ids.map(|id| Decided { id, decision, by }).collect::<Vec<_>>());
    state.put_in_order();
}

#[test]
fn the_old_order_stays_until_the_newest_is_there() {
    let mut state = long(60);
    let old = state.review.tiles.order.clone();
    state.review.tiles.choose(4, Reach::Only, |position| Some(position as i64 + 1));
    let cursor = state.review.tiles.cursor;
    assert!(Command::AcceptShown.enabled(&state));

    state.review.sort = Measure::Confidence;
    state.put_in_order();
    let first = state.review.begin().unwrap();
    assert!(Arc::ptr_eq(&old, &state.review.tiles.order) && state.review.is_waiting());
    assert!(!Command::AcceptShown.enabled(&state), "what is shown is about to change");

    // Another one is wanted before it is there: only one is made at a time, and the older one is not taken.
    state.review.descending = true;
    state.put_in_order();
    assert!(state.review.begin().is_none());
    let rows = rows(&state);
    state.review.take(first.number, first.rule.clone().make(&rows), &rows);
    assert!(Arc::ptr_eq(&old, &state.review.tiles.order) && state.review.is_waiting());
    make(&mut state);
    assert!(!state.review.is_waiting());
    assert_eq!(*state.review.tiles.order, made_anew(&state));
    assert_ne!(*state.review.tiles.order, *old);
    assert_eq!(state.review.tiles.cursor, cursor, "the cursor stays on its candidate");
    // Nor is it taken later.
    let newest = state.review.tiles.order.clone();
    state.review.take(first.number, first.rule.make(&rows), &rows);
    assert!(Arc::ptr_eq(&newest, &state.review.tiles.order));
}

#[test]
fn what_happens_while_an_order_is_made_is_in_it() {
    let mut state = long(60);
    state.review.filter = "undecided".to_owned();
    state.review.sort = Measure::Confidence;
    state.put_in_order();
    let taken = rows(&state);
    let asked = state.review.begin().unwrap();
    decide(&mut state, [7, 8, 30].into_iter(), Decision::Accepted);
    decide(&mut state, [8].into_iter(), Decision::Undecided);
    let mut more = many(64).split_off(60);
    more[1].decision = Decision::Rejected;
    state.added(&more);
    assert!(state.review.is_waiting());
    assert_eq!(taken.len(), 60, "the job has its own list");
    let (number, order) = (asked.number, asked.rule.make(&taken));
    state.review.take(number, order, &rows(&state));
    assert_eq!(*state.review.tiles.order, made_anew(&state));
    assert_eq!(state.review.tiles.order.len(), 61);
    assert!(!state.review.is_waiting());
}

#[test]
fn a_decision_in_a_long_list_takes_no_job_and_a_bulk_only_where_it_hides() {
    let count = IN_PLACE + 200;
    let mut state = long(count);
    let old = state.review.tiles.order.clone();
    decide(&mut state, 1..=count as i64, Decision::Accepted);
    assert!(Arc::ptr_eq(&old, &state.review.tiles.order) && !state.review.is_waiting());
    decide(&mut state, 1..=count as i64, Decision::Undecided);

    state.review.filter = "undecided".to_owned();
    state.put_in_order();
    make(&mut state);
    decide(&mut state, [5, 9].into_iter(), Decision::Rejected);
    assert!(!state.review.is_waiting());
    assert_eq!(*state.review.tiles.order, made_anew(&state));
    assert_eq!(state.review.tiles.order.len(), count - 2);

    let old = state.review.tiles.order.clone();
    decide(&mut state, 1..=count as i64, Decision::Accepted);
    assert!(Arc::ptr_eq(&old, &state.review.tiles.order) && state.review.is_waiting());
    make(&mut state);
    assert!(state.review.tiles.order.is_empty());
    decide(&mut state, 1..=count as i64, Decision::Undecided);
    make(&mut state);
    assert_eq!(state.review.tiles.order.len(), count);
}

#[test]
fn another_run_begins_with_an_empty_order() {
    let mut state = long(60);
    state.review.sort = Measure::Confidence;
    state.put_in_order();
    let asked = state.review.begin().unwrap();
    let old = rows(&state);
    // As the app does.
    state.review.clear();
    state.project.as_mut().unwrap().candidates = Arc::default();
    state.put_in_order();
    state.added(&many(3));
    let (number, order) = (asked.number, asked.rule.make(&old));
    state.review.take(number, order, &rows(&state));
    assert_eq!(*state.review.tiles.order, made_anew(&state));
    assert_eq!(state.review.tiles.order.len(), 3);
}

#[test]
fn images_keep_their_order_until_the_new_one_is_there() {
    let set = dataset(40);
    let mut view = DataView::default();
    view.at_once = 39;
    view.refresh(&set, None);
    assert!(view.tiles.order.is_empty() && view.is_waiting());
    let asked = view.begin().unwrap();
    view.take(asked.number, asked.rule.make(&set), &set);
    let mut at_once = DataView::default();
    at_once.refresh(&set, None);
    assert_eq!(view.tiles.order, at_once.tiles.order);
    assert_eq!(view.tiles.order.len(), 40);

    let old = view.tiles.order.clone();
    view.find = "B10/".to_owned();
    view.refresh(&set, Some(2));
    assert!(Arc::ptr_eq(&old, &view.tiles.order));
    let stale = view.begin().unwrap();
    view.show_excluded = false;
    view.refresh(&set, Some(2));
    view.take(stale.number, stale.rule.make(&set), &set);
    assert!(Arc::ptr_eq(&old, &view.tiles.order));
    let asked = view.begin().unwrap();
    view.take(asked.number, asked.rule.make(&set), &set);
    let wanted = |split: Split| {
        let shown = set.samples.iter().enumerate();
        let shown = shown.filter(move |(_, s)| s.class == 2 && s.split == split && !s.excluded);
        shown.map(|(position, _)| position)
    };
    assert_eq!(*view.tiles.order, wanted(Split::Train).chain(wanted(Split::Validation)).collect::<Vec<_>>());

    // Positions of another data set are not shown for a moment.
    let larger = dataset(50);
    view.invalidate();
    view.refresh(&larger, None);
    assert!(view.tiles.order.is_empty() && view.is_waiting());
    view.make_at_once();
    view.refresh(&larger, None);
    assert!(!view.is_waiting() && !view.tiles.order.is_empty());
}

#[test]
fn the_app_puts_a_long_list_in_order_beside_its_frames() {
    let dir = tempfile::tempdir().unwrap();
    let options = AppOptions { data_dir: Some(dir.path().to_path_buf()), ..AppOptions::default() };
    let builder = Harness::builder().with_size(vec2(1440.0, 900.0));
    let mut harness = builder.build_eframe(|cc| App::new(&cc.egui_ctx, options));
    let State { project, source, workspace, .. } = state_of(many(6000));
    let state = &mut harness.state_mut().state;
    (state.project, state.source, state.workspace) = (project, source, workspace);
    let settle = |harness: &mut Harness<'_, App>| {
        let begun = Instant::now();
        harness.step();
        while harness.state().state.review.is_waiting() {
            assert!(begun.elapsed() < Duration::from_secs(60), "no order arrives");
            std::thread::sleep(Duration::from_millis(2));
            harness.step();
        }
        harness.run_steps(2);
        let state = &harness.state().state;
        assert_eq!(*state.review.tiles.order, made_anew(state));
    };
    settle(&mut harness);
    assert!(harness.query_all_by_label_contains("Candidate 1, ").next().is_some());
    harness.state_mut().state.review.sort = Measure::Confidence;
    settle(&mut harness);
    harness.state_mut().state.review.filter = "undecided".to_owned();
    settle(&mut harness);
    decide(&mut harness.state_mut().state, [2, 4].into_iter(), Decision::Accepted);
    settle(&mut harness);
    assert_eq!(harness.state().state.review.tiles.order.len(), 5998);
    assert!(harness.query_all_by_label_contains("2 of 6\u{a0}000 decided").next().is_some());
}

#[test]
fn a_thousand_events_ask_for_one_frame() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let told = asked.clone();
    let pace = Pace::new(move |delay| told.lock().unwrap().push(delay));
    let storm = || (0..1000).for_each(|_| pace.wake());
    storm();
    assert_eq!(asked.lock().unwrap().len(), 1);
    assert!(asked.lock().unwrap()[0] < PACE, "after a rest at once");
    let begun = Instant::now();
    pace.begin_frame();
    storm();
    let delay = asked.lock().unwrap()[1];
    assert!(delay <= PACE && delay + begun.elapsed() >= PACE, "{delay:?}");
    assert_eq!(asked.lock().unwrap().len(), 2);
}
