//! What of a training a treatment changes, which treatments go together, and when two of them correct the
//! same thing.
//!
//! One treatment changes one thing at a time: two combine where they change different parts. Two that both
//! correct for the shares of the classes in full combine, too, and are told of.

use std::fmt;

/// A part of a training that a treatment may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Which training images there are.
    Data,
    /// How images are drawn into batches.
    Batches,
    /// How the images of a batch are blended.
    Blend,
    Loss,
    /// What the loss of an image of a class counts.
    Weights,
    /// What the classes are told from in the end: the last layer, or its probabilities.
    Outputs,
}

impl Part {
    /// In a sentence on what a treatment changes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Part::Data => "the training images",
            Part::Batches => "how images are drawn",
            Part::Blend => "how images are blended",
            Part::Loss => "the loss",
            Part::Weights => "the weights of the classes",
            Part::Outputs => "what is made of the network's outputs",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How far a treatment corrects for the shares of the classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Correction {
    None,
    /// It goes some of the way, whatever its parameters.
    Partial,
    /// It is meant to make the classes count the same.
    Full,
}

/// What a combination has to know of one of its treatments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    pub id: &'static str,
    /// None for plain training.
    pub parts: &'static [Part],
}

/// Why treatments do not combine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CombinationError {
    #[error("{first} and {second} do not combine, because both change {part}; use one of them")]
    Clash { first: &'static str, second: &'static str, part: Part },
    #[error("{0} is what every other treatment begins from, so it combines with none; leave it out")]
    Plain(&'static str),
    #[error("{0} trains in a way of its own from start to end and combines with nothing; use it alone")]
    Alone(&'static str),
    #[error(
        "{outputs} divides by the shares that the network learnt, and under {weights} each batch has weights of \
         its own; use counts=training"
    )]
    UnknownShares { weights: &'static str, outputs: &'static str },
}

/// Looks whether treatments change different parts.
///
/// # Errors
/// Two that change the same part, or plain training among several.
pub fn check(members: &[Member]) -> Result<(), CombinationError> {
    if members.len() < 2 {
        return Ok(());
    }
    if let Some(plain) = members.iter().find(|member| member.parts.is_empty()) {
        return Err(CombinationError::Plain(plain.id));
    }
    for (at, first) in members.iter().enumerate() {
        for second in &members[at + 1..] {
            if let Some(&part) = first.parts.iter().find(|part| second.parts.contains(part)) {
                return Err(CombinationError::Clash { first: first.id, second: second.id, part });
            }
        }
    }
    Ok(())
}

/// What a person should know of two corrections before they are trained.
#[derive(Clone, Debug, PartialEq)]
pub enum Overlap {
    /// Both correct in full, one on top of the other.
    Twice {
        first: String,
        second: String,
        /// What the rarest class then counts for one of the largest; 1 would be even.
        factor: f64,
    },
    /// The second finds the classes even and corrects nothing.
    Idle { first: String, second: String },
}

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Overlap::Twice { first, second, factor } => write!(
                f,
                "{first} and {second} both correct for the shares of the classes in full, so the correction is \
                 made twice: the rarest class counts {factor:.1} times as much as the largest, where each of them \
                 alone makes them even; use one of them"
            ),
            Overlap::Idle { first, second } => write!(
                f,
                "after {first} the classes count the same, so {second} has nothing left to correct; use one of \
                 them"
            ),
        }
    }
}
