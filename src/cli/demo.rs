//! `counterpoise demo`: the main job on the bundled images, with the bundled model or after training one, and the
//! proof of the exported folder at the end. Needs no display and no other file.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::DemoArgs;
use super::balance::Whole;
use super::output::Outcome;
use super::terminal::Terminal;
use super::{CHECK, Result, input};
use crate::export::Originals;
use crate::jobs;
use crate::oversampling::ParamMap;
use crate::project::default_place;

/// Where the balanced folder goes without `--out`; with -2, -3 and so on where it exists.
const OUT: &str = "counterpoise-demo";
/// The method of the bundled model.
const METHOD: &str = "m2m";

pub fn run(args: DemoArgs, params: &ParamMap, terminal: &Terminal) -> Result<Outcome> {
    let out = args.out.unwrap_or_else(free_place);
    input::refuse_existing(&out)?;
    terminal.say("The bundled images are a subset of Fashion-MNIST: 50 bags against 1000 sneakers.");
    let with_model = !args.train;
    let (folder, model) = terminal.job("unpack", move |_| {
        let folder = jobs::example::unpack()?;
        let model = with_model.then(|| jobs::example::unpack_model(&folder)).transpose()?;
        Ok((folder, model))
    })?;
    let method = input::method(METHOD)?;
    let images = input::images(&folder, &args.common, method, terminal)?;
    let mut with_example = jobs::example::params();
    with_example.extend(params.clone());
    let whole = Whole {
        method: METHOD.to_owned(),
        params: with_example,
        place: default_place::for_source(&images.dataset.source())?,
        model,
        features: None,
        out: out.clone(),
        originals: Originals::Keep,
    };
    let mut outcome = whole.run(images, &args.common, terminal)?;
    let proof = terminal.job("verify", move |ctx| jobs::verify::verify(ctx, &out))?;
    outcome.json.insert("verified".to_owned(), json!(proof.ok));
    if proof.ok {
        outcome.text += "\nverify read them all again: each is as the manifest says.";
    } else {
        outcome.text += "\nverify found differences between the folder and its manifest.";
        outcome.code = CHECK;
    }
    Ok(outcome)
}

/// `./counterpoise-demo`, or the first of -2, -3 and so on that is free.
fn free_place() -> PathBuf {
    let mut place = Path::new(".").join(OUT);
    let mut number = 2_u32;
    while place.symlink_metadata().is_ok() {
        place = Path::new(".").join(format!("{OUT}-{number}"));
        number += 1;
    }
    place
}
