//! The job engine: one ending per job, a panic contained, cancel and pause heard, a snapshot that stays small.
//! And the images that jobs share.
#![allow(clippy::unwrap_used)]

#[path = "common/balance.rs"]
mod balance;
#[path = "common/store.rs"]
mod store;
#[path = "common/training.rs"]
mod training;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use balance::Balance;
use counterpoise::domain::decisions::Verdict;
use counterpoise::domain::splits::Split;
use counterpoise::domain::task::{Ctx, Event, Level, Preview, Sink};
use counterpoise::evaluation::distance::Measure;
use counterpoise::imaging::encode::png;
use counterpoise::imaging::neighbours::ClassNeighbours;
use counterpoise::imaging::picture::{Picture, Pixels};
use counterpoise::imaging::resize::Fit;
use counterpoise::imaging::training_set::Spec;
use counterpoise::jobs::generate::{GenerateOutcome, GenerateRequest, generate};
use counterpoise::jobs::scan::read;
use counterpoise::jobs::train::{TrainRequest, checkpoint_of, train};
use counterpoise::jobs::training_data::TrainingData;
use counterpoise::jobs::{JobError, JobState, spawn};
use counterpoise::oversampling::ParamMap;
use counterpoise::project::Project;
use counterpoise::project::quality::{
    DIVERSITY, JUDGE, JUDGE_ACCURACY, JUDGE_HELD_OUT, JUDGE_LEARNT, NEAR_COPIES, NEAREST, NEAREST_CLOSEST,
    PIXELS, PIXELS_HELD_OUT, PIXELS_LEFT_OUT,
};
use serde_json::Value;
use training::recorder;

fn quiet() -> Arc<dyn Fn() + Send + Sync> {
    Arc::new(|| {})
}

#[test]
fn a_result_is_taken_once_and_the_end_wakes() {
    let woken = Arc::new(AtomicUsize::new(0));
    let count = woken.clone();
    let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let job = spawn("sum", wake, |ctx| {
        ctx.progress("adding", 1, 2);
        Ok(3)
    });
    // The wake of the end comes last of all.
    let begun = Instant::now();
    while woken.load(Ordering::SeqCst) < 2 {
        assert!(begun.elapsed() < Duration::from_secs(10), "the end did not wake");
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(job.wait_timeout(Duration::from_secs(10)));
    assert_eq!(job.view().state, JobState::Finished);
    assert_eq!(job.take(), Some(Ok(3)));
    assert_eq!(job.take(), None);
}

#[test]
fn what_says_nothing_new_wakes_nobody() {
    let woken = Arc::new(AtomicUsize::new(0));
    let count = woken.clone();
    let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let job = spawn("repeats", wake, |ctx| {
        for _ in 0..100 {
            ctx.progress("adding", 1, 2);
            ctx.note(Level::Info, "the same thing");
        }
        Ok(())
    });
    job.wait().unwrap();
    let woken = woken.load(Ordering::SeqCst);
    assert!((2..=3).contains(&woken), "progress, a note, and perhaps the end already: {woken}");
}

#[test]
fn a_panic_is_a_failed_job_with_a_sentence() {
    let job = spawn("falls", quiet(), |_| -> Result<(), JobError> { panic!("a broken thing") });
    let error = job.wait().unwrap_err().to_string();
    assert!(error.contains("internal error") && error.contains("a broken thing"), "{error}");
    assert!(matches!(job.view().state, JobState::Failed(_)));
}

#[test]
fn cancel_is_shown_at_once_and_heard_within_a_step() {
    let job = spawn("long", quiet(), |ctx| -> Result<(), JobError> {
        loop {
            ctx.check()?;
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    let begun = Instant::now();
    job.cancel();
    assert!(matches!(job.view().state, JobState::Cancelling | JobState::Cancelled));
    assert_eq!(job.wait(), Err(JobError::Cancelled));
    assert!(begun.elapsed() < Duration::from_secs(5), "cancel was not heard");
    assert_eq!(job.view().state, JobState::Cancelled);
}

#[test]
fn a_paused_job_stands_still_and_can_be_cancelled() {
    let steps = Arc::new(AtomicUsize::new(0));
    let counted = steps.clone();
    let job = spawn("walk", quiet(), move |ctx| -> Result<(), JobError> {
        loop {
            ctx.check()?;
            counted.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    job.pause(true);
    assert_eq!(job.view().state, JobState::Paused);
    std::thread::sleep(Duration::from_millis(50));
    let at = steps.load(Ordering::SeqCst);
    std::thread::sleep(Duration::from_millis(80));
    assert_eq!(steps.load(Ordering::SeqCst), at, "it went on");
    job.pause(false);
    while steps.load(Ordering::SeqCst) == at {
        std::thread::sleep(Duration::from_millis(1));
    }
    job.pause(true);
    job.cancel();
    assert_eq!(job.wait(), Err(JobError::Cancelled));
}

#[test]
fn a_time_that_the_work_tells_takes_the_place_of_the_pace() {
    let told = Arc::new(AtomicUsize::new(0));
    let stage = told.clone();
    let job = spawn("tells", quiet(), move |ctx| -> Result<(), JobError> {
        let wait = |number: usize| -> Result<(), JobError> {
            while stage.load(Ordering::SeqCst) < number {
                ctx.check()?;
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok(())
        };
        ctx.time_left(Some(Duration::from_secs(100)), "");
        ctx.progress("one", 1, 2);
        wait(1)?;
        ctx.time_left(Some(Duration::from_secs(50)), "what nobody measured");
        ctx.progress("two", 2, 2);
        wait(2)
    });
    let reaches = |name: &str| {
        let begun = Instant::now();
        while job.view().stage != name {
            assert!(begun.elapsed() < Duration::from_secs(10), "{name}");
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    reaches("one");
    std::thread::sleep(Duration::from_millis(30));
    let view = job.view();
    let left = view.time_left.unwrap();
    assert!(left < Duration::from_secs(100) && left > Duration::from_secs(80), "it goes by: {left:?}");
    assert!(view.unmeasured.is_empty());
    job.pause(true);
    assert_eq!(job.view().time_left, None);
    std::thread::sleep(Duration::from_millis(400));
    job.pause(false);
    let paused = job.ctx().paused_for();
    assert!(paused >= Duration::from_millis(400), "{paused:?}");
    let after = job.view().time_left.unwrap();
    assert!(left - after < Duration::from_millis(350), "a pause is no part of it: {left:?}, {after:?}");
    told.store(1, Ordering::SeqCst);
    reaches("two");
    std::thread::sleep(Duration::from_millis(30));
    let view = job.view();
    // What runs may be what was never measured, so that nothing is taken off.
    assert_eq!(view.time_left, Some(Duration::from_secs(50)));
    assert_eq!(view.unmeasured, "what nobody measured");
    told.store(2, Ordering::SeqCst);
    job.wait().unwrap();
    let view = job.view();
    assert!(view.time_left.is_none() && view.unmeasured.is_empty(), "it is over");
}

#[test]
fn stop_and_keep_ends_with_a_result() {
    let job = spawn("keep", quiet(), |ctx| {
        while !ctx.is_stopping() {
            ctx.check()?;
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok("half")
    });
    job.stop_and_keep();
    assert_eq!(job.wait(), Ok("half"));
}

#[test]
fn curves_previews_and_notes_stay_bounded() {
    let job = spawn("tell", quiet(), |ctx| {
        for step in 0..20_000 {
            ctx.metric("loss", f64::from(step), 1.0);
            ctx.note(Level::Warning, "the same thing");
        }
        for epoch in 0..200 {
            ctx.event(Event::Preview(Preview {
                group: "made",
                label: format!("epoch {epoch}"),
                size: 1,
                channels: 1,
                images: vec![vec![0]],
                captions: vec![String::new()],
            }));
        }
        Ok(())
    });
    job.wait().unwrap();
    let view = job.view();
    assert_eq!(view.notes.len(), 1);
    let points = &view.series[0].points;
    assert!((1000..=4096).contains(&points.len()), "{}", points.len());
    assert!(points.windows(2).all(|pair| pair[0][0] < pair[1][0]));
    assert!(view.previews.len() <= 24);
    assert_eq!(view.previews.first().unwrap().label, "epoch 0");
    assert_eq!(view.previews.last().unwrap().label, "epoch 199");
}

#[test]
fn of_many_rows_of_pictures_each_keeps_its_first_and_its_newest() {
    let job = spawn("tell", quiet(), |ctx| {
        for epoch in 0..30 {
            for class in 0..12 {
                ctx.event(Event::Preview(Preview {
                    group: "made",
                    label: format!("epoch {epoch}"),
                    size: 1,
                    channels: 1,
                    images: vec![vec![0]; 2],
                    captions: vec![format!("class{class}"); 2],
                }));
            }
        }
        Ok(())
    });
    job.wait().unwrap();
    let previews = job.view().previews;
    assert!(previews.len() <= 6 * 12, "{}", previews.len());
    for class in 0..12 {
        let of_class = previews.iter().filter(|preview| preview.captions[0] == format!("class{class}"));
        let labels: Vec<&str> = of_class.map(|preview| preview.label.as_str()).collect();
        assert_eq!((labels[0], labels[labels.len() - 1]), ("epoch 0", "epoch 29"), "class {class}");
    }
}

/// Counts how often a decoding of images begins.
struct Decodings(Arc<AtomicUsize>);

impl Sink for Decodings {
    fn event(&self, event: Event) {
        if matches!(&event, Event::Progress { stage, done: 0, .. } if stage == "Loading images") {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// The jobs of `balance`, as it runs them.
#[test]
fn training_and_generating_decode_the_training_images_once() {
    let temp = tempfile::tempdir().unwrap();
    let mut work = Balance::m2m(temp.path(), store::folder(&temp.path().join("source")));
    let decodings = Arc::new(AtomicUsize::new(0));
    let ctx = Ctx::new(Decodings(decodings.clone()));
    train(&ctx, &work.training()).unwrap();
    assert_eq!(decodings.load(Ordering::SeqCst), 1);

    assert_eq!(generate(&ctx, &work.making(), &mut work.project).unwrap().candidates, 3);
    assert_eq!(decodings.load(Ordering::SeqCst), 1, "the images of the training were there");
    let quality = work.project.quality().unwrap();
    assert_eq!(quality.len(), 1);
    let (class, names) =
        (&quality[0], quality[0].figures.iter().map(|f| f.name.as_str()).collect::<Vec<_>>());
    assert_eq!((class.class.as_str(), class.made, class.real), ("cat", 3, 3));
    assert_eq!(
        names,
        [DIVERSITY, JUDGE_ACCURACY, NEAREST, NEAREST_CLOSEST],
        "too few for distances, and derived images are near their seed by design"
    );
    let held = Arc::downgrade(&work.data);
    drop(work.data);
    assert!(held.upgrade().is_none(), "something holds the images after the last job");
}

#[test]
fn a_training_that_was_stopped_and_kept_goes_on() {
    let temp = tempfile::tempdir().unwrap();
    let work = Balance::m2m(temp.path(), store::folder(&temp.path().join("source")));
    let elsewhere = temp.path().join("whole.safetensors");
    let undisturbed =
        TrainRequest { checkpoint: checkpoint_of(&elsewhere), model: elsewhere, ..work.training() };
    let whole = train(&Ctx::default(), &undisturbed).unwrap();
    assert_eq!(whole.stopped, None);
    assert!(!undisturbed.checkpoint.exists());
    for (stage, place) in [("training g", "g, after epoch 1 of 2"), ("training f", "f, after epoch 1 of 2")] {
        let request = work.training();
        let (_, ctx) = recorder(Some((stage, Ctx::stop_and_keep)));
        let kept = train(&ctx, &request).unwrap();
        assert_eq!(kept.stopped.as_deref(), Some(place));
        assert_ne!(kept.hash, whole.hash, "{stage}");
        assert!(request.model.exists() && request.checkpoint.exists(), "a model, and a way on: {stage}");

        let (told, ctx) = recorder(None);
        let gone_on = train(&ctx, &request).unwrap();
        assert!(told.says(Level::Info, "going on from a checkpoint"), "{stage}");
        assert_eq!((&gone_on.hash, gone_on.stopped), (&whole.hash, None), "{stage}");
        assert!(!request.checkpoint.exists(), "{stage}");
    }
}

#[test]
fn a_run_keeps_what_it_measured() {
    let temp = tempfile::tempdir().unwrap();
    let dataset = store::class_folders(&temp.path().join("source"), &[("cat", 14), ("dog", 22)]);
    let mut work = Balance::smote(temp.path(), dataset, 3);
    train(&Ctx::default(), &work.training()).unwrap();
    let outcome = generate(&Ctx::default(), &work.making(), &mut work.project).unwrap();
    let kept = work.project.quality().unwrap();
    assert_eq!(kept.len(), 1, "of the class that images were made of");
    let cat = &kept[0];
    assert_eq!((cat.class.as_str(), cat.made, cat.real), ("cat", 8, 14));
    let names: Vec<&str> = cat.figures.iter().map(|figure| figure.name.as_str()).collect();
    let mut wanted: Vec<&str> = Measure::ALL.into_iter().map(Measure::name).collect();
    wanted.extend([DIVERSITY, NEAR_COPIES, JUDGE_ACCURACY, NEAREST, NEAREST_CLOSEST]);
    assert_eq!(names, wanted);
    // The distances are those that the run tells, half of the real images on each side.
    let told = &outcome.distances[0].distances;
    for (figure, told) in cat.figures.iter().zip(told) {
        assert_eq!((figure.value, figure.sd, figure.floor), (told.value, told.sd, told.floor));
        assert_eq!((figure.features.as_str(), figure.n_real, figure.n_made), (JUDGE, 7, 7));
        assert!(figure.floor.is_some());
    }
    let diversity = cat.figure(DIVERSITY).unwrap();
    assert!(diversity.value > 0.2 && diversity.value < 1.2, "{}", diversity.value);
    assert_eq!((diversity.features.as_str(), diversity.n_real, diversity.n_made), (PIXELS, 14, 8));
    assert_eq!(cat.near_copies(), Some(outcome.near_copies as u32));
    assert_eq!(cat.figure(NEAR_COPIES).unwrap().n_made, 8);
    // Without a validation part what was learnt from stands in, and that is said.
    let judged = cat.figure(JUDGE_ACCURACY).unwrap();
    assert_eq!((judged.features.as_str(), judged.n_real, judged.n_made), (JUDGE_LEARNT, 14, 8));
    let near = cat.figure(NEAREST).unwrap();
    assert_eq!((near.features.as_str(), near.n_real, near.n_made), (PIXELS_LEFT_OUT, 14, 8));
    drop(work.project);
    assert_eq!(Project::open(&work.dir).unwrap().quality().unwrap(), kept, "after a restart");
}

/// Keeps the notes of a job.
#[derive(Default)]
struct Notes(Mutex<Vec<(Level, String)>>);

impl Notes {
    fn says(&self, level: Level, text: &str) -> bool {
        self.0.lock().unwrap().iter().any(|(of, said)| *of == level && said.contains(text))
    }
}

struct Told(Arc<Notes>);

impl Sink for Told {
    fn event(&self, event: Event) {
        if let Event::Note { level, text } = event {
            let Notes(said) = &*self.0;
            said.lock().unwrap().push((level, text));
        }
    }
}

fn notes() -> (Arc<Notes>, Ctx) {
    let notes = Arc::new(Notes::default());
    (notes.clone(), Ctx::new(Told(notes)))
}

#[test]
fn a_class_whose_made_images_are_alike_is_told_of() {
    let temp = tempfile::tempdir().unwrap();
    let source = temp.path().join("source");
    let dataset = store::class_folders(&source, &[("cat", 6), ("dog", 12)]);
    // ADASYN starts where the other class is near: from the dark half of the cats, and goes to one of these.
    let cats = [100, 104, 108, 200, 204, 208];
    let dogs = [99, 101, 103, 105, 107, 109, 20, 24, 28, 32, 36, 40];
    for (name, values) in [("cat", cats.as_slice()), ("dog", dogs.as_slice())] {
        for (index, &value) in values.iter().enumerate() {
            let pixels = vec![value; (store::SIDE * store::SIDE) as usize];
            let picture = Picture::new(store::SIDE, store::SIDE, 1, Pixels::U8(pixels)).unwrap();
            std::fs::write(source.join(format!("{name}/{index:02}.png")), png(&picture, &[]).unwrap())
                .unwrap();
        }
    }
    let mut work = Balance::adasyn(temp.path(), dataset);
    train(&Ctx::default(), &work.training()).unwrap();
    let (notes, ctx) = notes();
    generate(&ctx, &work.making(), &mut work.project).unwrap();
    let diversity = work.project.quality().unwrap()[0].figure(DIVERSITY).unwrap().value;
    assert!(diversity < 0.2, "{diversity}");
    assert!(notes.says(Level::Warning, "The images made of cat are hardly different from each other"));
    assert!(!notes.says(Level::Info, "too few images"), "six of each");
}

#[test]
fn copies_of_a_class_of_one_image_are_looked_for_by_what_is_usual_elsewhere() {
    let temp = tempfile::tempdir().unwrap();
    let dataset = store::class_folders(&temp.path().join("source"), &[("cat", 1), ("dog", 12)]);
    let mut work = Balance::smote(temp.path(), dataset, 2);
    train(&Ctx::default(), &work.training()).unwrap();
    let (notes, ctx) = notes();
    let outcome = generate(&ctx, &work.making(), &mut work.project).unwrap();
    let few = "cat: too few images to say how far made ones are from real ones, 1 real and 11 made; 6";
    assert!(notes.says(Level::Info, few));
    let set = work.data.training(&Ctx::default()).unwrap();
    let usual = ClassNeighbours::new(set, 1).usual().unwrap();
    let rows = work.project.candidates().unwrap();
    assert_eq!(rows.len(), 11);
    for row in &rows {
        let found = row.findings();
        assert!((found.usual_distance.unwrap() - usual.median).abs() < 1e-12);
        assert_eq!(found.usual_of_others, Some(true));
        let distance = row.nearest_distance.unwrap();
        assert_eq!(found.near_copy, Some(usual.is_near_copy(distance)));
        assert!((found.relative(distance).unwrap() - distance / usual.median).abs() < 1e-9);
        assert_eq!(found.exact_copy, Some(row.verdict == Verdict::RejectedOther));
        assert!(matches!(found.judge_says.as_deref(), Some("cat" | "dog")), "{found:?}");
    }
    let kept = work.project.quality().unwrap();
    assert_eq!(kept[0].near_copies(), Some(outcome.near_copies as u32));
    assert_eq!(kept[0].figure(NEAR_COPIES).unwrap().floor, None, "no two real images to compare");
}

#[test]
fn what_the_scan_decoded_is_decoded_by_no_job() {
    let temp = tempfile::tempdir().unwrap();
    let source = temp.path().join("pets");
    store::folder(&source);
    let ctx = Ctx::default();
    let read = |validation: bool| {
        let (mut dataset, images) = read(&ctx, &source, Some(16), Fit::Pad).unwrap();
        dataset.samples[0].split = Split::Validation;
        let spec = Spec::of(&dataset, Some(16), Fit::Pad);
        TrainingData::decoded(dataset, spec, images, validation)
    };
    let (for_training, for_making) = (read(true), read(false));
    // Nothing that is decoded from now on is there.
    std::fs::remove_dir_all(&source).unwrap();
    for data in [&for_training, &for_making] {
        assert_eq!(data.training(&ctx).unwrap().counts(), [2, 6]);
    }
    assert_eq!(for_training.validation(&ctx).unwrap().unwrap().counts(), [1, 0]);
    for data in [&for_training, &for_making] {
        assert!(matches!(data.validation(&ctx), Err(JobError::Input(_))), "it is kept for one training");
    }
}

#[test]
fn a_run_keeps_the_parameters_that_were_in_force() {
    let temp = tempfile::tempdir().unwrap();
    let dataset = store::class_folders(&temp.path().join("source"), &[("cat", 4), ("dog", 6)]);
    let mut work = Balance::smote(temp.path(), dataset, 1);
    train(&Ctx::default(), &work.training()).unwrap();
    let asking = |name: &str, value: u32| {
        let params = ParamMap::from_iter([(name.to_owned(), Value::from(value))]);
        GenerateRequest { params, ..work.making() }
    };
    let (neighbours, epochs) = (asking("neighbours", 2), asking("epochs", 9));
    generate(&Ctx::default(), &neighbours, &mut work.project).unwrap();
    let runs = work.project.runs().unwrap();
    let params = &runs.last().unwrap().config["params"];
    assert_eq!(params["neighbours"], 2);
    assert_eq!(params["space"], "pixels");
    assert_eq!(params["judge-threshold"], 0.5, "also what was left open");

    let refused = generate(&Ctx::default(), &epochs, &mut work.project).unwrap_err();
    let JobError::Input(text) = &refused else { panic!("{refused}") };
    assert!(text.contains("\"epochs\" was 1 when this model was trained"), "{text}");
    assert_eq!(work.project.runs().unwrap().len(), runs.len(), "no run of what was refused");
}

#[test]
fn images_that_nobody_learnt_from_stand_beside_made_ones() {
    let temp = tempfile::tempdir().unwrap();
    let mut dataset = store::class_folders(&temp.path().join("source"), &[("cat", 14), ("dog", 22)]);
    let held = dataset.samples.iter_mut().filter(|sample| sample.class == 0).step_by(4);
    held.for_each(|sample| sample.split = Split::Validation);
    let mut work = Balance::smote(temp.path(), dataset, 3);
    train(&Ctx::default(), &work.training()).unwrap();
    generate(&Ctx::default(), &work.making(), &mut work.project).unwrap();
    let cat = &work.project.quality().unwrap()[0];
    let rows = work.project.candidates().unwrap();
    let judged = cat.figure(JUDGE_ACCURACY).unwrap();
    assert_eq!((judged.features.as_str(), judged.n_real, judged.n_made), (JUDGE_HELD_OUT, 4, 12));
    let taken = rows.iter().filter(|row| row.extra["judge_says"] == "cat").count();
    assert_eq!(judged.value, taken as f64 / 12.0, "accepted or not");
    assert!((0.0..=1.0).contains(&judged.floor.unwrap()));
    let mut distances: Vec<f64> = rows.iter().map(|row| row.nearest_distance.unwrap()).collect();
    distances.sort_by(f64::total_cmp);
    for (name, place) in [(NEAREST, 5), (NEAREST_CLOSEST, 0)] {
        let near = cat.figure(name).unwrap();
        assert_eq!((near.features.as_str(), near.n_real, near.n_made), (PIXELS_HELD_OUT, 4, 12));
        assert_eq!(near.value, distances[place], "{name}");
        assert!(near.floor.unwrap() > 0.0);
    }
}

#[test]
fn a_cancelled_decoding_leaves_nothing_and_an_edited_data_set_has_its_own() {
    let temp = tempfile::tempdir().unwrap();
    let mut dataset = store::folder(temp.path());
    let spec = Spec::of(&dataset, Some(16), Fit::Pad);
    let data = TrainingData::new(dataset.clone(), spec.clone());
    let cancelled = Ctx::default();
    cancelled.cancel();
    assert_eq!(data.training(&cancelled).err(), Some(JobError::Cancelled));
    assert_eq!(data.training(&Ctx::default()).unwrap().len(), 9);

    dataset.samples[0].excluded = true;
    dataset.samples[1].class = 1;
    let edited = TrainingData::new(dataset, spec);
    assert_eq!(edited.training(&Ctx::default()).unwrap().counts(), [1, 7]);
    assert_eq!(data.training(&Ctx::default()).unwrap().counts(), [3, 6]);
}

/// A sentence counts what happened, and leaves out what did not.
#[test]
fn verdicts_in_words_name_what_rejected_and_nothing_else() {
    let words = |verdicts: &[Verdict]| {
        let mut outcome = GenerateOutcome::default();
        verdicts.iter().for_each(|&verdict| outcome.count(verdict));
        outcome.verdicts(|count| count.to_string())
    };
    assert_eq!(words(&[Verdict::Accepted; 3]), "3 accepted by the method");
    let (prior, confidence, other) =
        (Verdict::RejectedPrior, Verdict::RejectedConfidence, Verdict::RejectedOther);
    assert_eq!(
        words(&[Verdict::Accepted, confidence, confidence]),
        "1 accepted by the method, 2 rejected by the confidence"
    );
    assert_eq!(
        words(&[prior, other, prior]),
        "0 accepted by the method, 2 rejected by the prior, 1 by other tests"
    );
}
