//! `counterpoise plan`: how many images to make, and how many of them the prior would accept.

use serde_json::{Value, json};

use super::args::PlanArgs;
use super::output::{Outcome, rounded, share};
use super::tables::Table;
use super::terminal::Terminal;
use super::{Result, input};
use crate::domain::acceptance::beta_for;
use crate::domain::imbalance::{Imbalance, effective_number};
use crate::domain::numbers::counted;
use crate::imaging::training_set::memory_bytes;
use crate::oversampling::ParamMap;

/// Beta of the effective numbers where the method has none.
const BETA: f64 = 0.999;

pub fn run(args: PlanArgs, params: &ParamMap, terminal: &Terminal) -> Result<Outcome> {
    let method = input::method(&args.method.method)?;
    let beta = input::beta(method, params)?;
    let dataset = input::headers(&args.folder, &args.common, terminal)?;
    let plan = input::plan(&dataset, &args.common, beta)?;
    let spec = input::spec(&dataset, &args.common);
    let figures = Imbalance::of(&dataset.training_counts());
    let gap = plan.largest_gap();
    let wished = beta.and_then(|_| beta_for(args.acceptance, gap));
    let memory = memory_bytes(figures.total, &spec) as f64 / f64::from(1 << 20);

    let mut table =
        Table::new(&["class", "have", "share", "effective", "target", "make", "expected acceptance"]);
    let mut classes = Vec::new();
    for (class, part) in plan.classes.iter().zip(&figures.shares) {
        let effective = effective_number(class.have, beta.unwrap_or(BETA));
        table.row([
            class.name.clone(),
            class.have.to_string(),
            format!("{:.1} %", part * 100.0),
            format!("{effective:.1}"),
            class.target.to_string(),
            class.make.to_string(),
            share(class.expected_acceptance),
        ]);
        classes.push(json!({
            "name": class.name,
            "have": class.have,
            "target": class.target,
            "make": class.make,
            "expected_acceptance": class.expected_acceptance,
            "share": part,
            "effective_number": effective,
        }));
    }
    let make = counted(plan.total_to_make(), "image", "images");
    let mut text = format!("{table}\n{make} to make with {}", method.info().name);
    if let Some(ratio) = figures.ratio {
        text += &format!(", imbalance ratio {ratio:.1}");
    }
    if let Some(entropy) = figures.entropy {
        text += &format!(", entropy {entropy:.3} of 1");
    }
    text += &format!(", {memory:.1} MB of training tensors at {} pixels\n", spec.size);
    if let (Some(beta), Some(wished)) = (beta, wished) {
        text += &format!(
            "beta is {beta}; --beta {wished:.6} would accept {:.0} % at the largest gap of {}\n",
            args.acceptance * 100.0,
            counted(gap, "image", "images")
        );
    }
    let object = json!({
        "classes": Value::Array(classes),
        "method": method.info().id,
        "make": plan.total_to_make(),
        "imbalance_ratio": figures.ratio,
        "entropy": figures.entropy,
        "beta": beta,
        "largest_gap": gap,
        "wished_acceptance": args.acceptance,
        "beta_for_wish": wished,
        "training_size": spec.size,
        "training_mb": rounded(memory, 1),
    });
    Ok(Outcome::new(object, text))
}
