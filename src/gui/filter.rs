//! The text filter of the Review view, for example `class(normal) && confidence > 0.6 && !accepted`.
//!
//! `||`, `&&`, `!` and parentheses; a measure compared with a number (`rejection`, `prior`, `draw`,
//! `confidence`, `distance`, `score`, `slot`; `72%` is 0.72); `class(..)`, `seed(..)`, `file(..)` and
//! `verdict(..)`; and the bare words `accepted`, `rejected`, `undecided` for decisions. A missing measure
//! compares as false. Knows no window and no store: it judges [`Facts`].

use crate::domain::decisions::{Decision, Verdict};
use crate::domain::provenance::Parts;

/// What a filter may ask of one candidate.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub class: &'a str,
    pub seed_class: Option<&'a str>,
    pub seed_file: Option<&'a str>,
    pub parts: &'a Parts,
    pub verdict: Verdict,
    pub decision: Decision,
    /// Distance to the nearest training image of the class.
    pub distance: Option<f64>,
    /// The method's own score.
    pub score: Option<f64>,
    pub slot: u32,
}

/// A number every candidate may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    Rejection,
    Prior,
    Draw,
    Confidence,
    Distance,
    Score,
    Slot,
}

impl Measure {
    pub const ALL: [Measure; 7] = [
        Measure::Rejection,
        Measure::Prior,
        Measure::Draw,
        Measure::Confidence,
        Measure::Distance,
        Measure::Score,
        Measure::Slot,
    ];

    /// The word in filters and in the sort menu.
    pub const fn as_str(self) -> &'static str {
        match self {
            Measure::Rejection => "rejection",
            Measure::Prior => "prior",
            Measure::Draw => "draw",
            Measure::Confidence => "confidence",
            Measure::Distance => "distance",
            Measure::Score => "score",
            Measure::Slot => "slot",
        }
    }

    /// The value, `None` where the candidate has no such part.
    pub fn of(self, facts: &Facts<'_>) -> Option<f64> {
        match self {
            Measure::Rejection => Some(facts.verdict.rejection_probability(facts.parts)),
            Measure::Prior => facts.parts.p_accept,
            Measure::Draw => facts.parts.draw,
            Measure::Confidence => facts.parts.confidence,
            Measure::Distance => facts.distance,
            Measure::Score => facts.score,
            Measure::Slot => Some(f64::from(facts.slot)),
        }
    }

    /// True where the measure tells what the method thinks, which blind mode hides.
    pub const fn is_judgement(self) -> bool {
        !matches!(self, Measure::Slot | Measure::Distance)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

/// A parsed filter.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter(Node);

#[derive(Clone, Debug, PartialEq)]
enum Node {
    All,
    Or(Box<Node>, Box<Node>),
    And(Box<Node>, Box<Node>),
    Not(Box<Node>),
    Number(Measure, Compare, f64),
    Class(String),
    SeedClass(String),
    File(String),
    Verdict(Verdict),
    Decision(Decision),
}

/// Why a text is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    #[error("the filter ends too early; a condition is missing")]
    Ends,
    #[error("\"{0}\" is not expected here")]
    Unexpected(String),
    #[error("\"{0}\" is no measure; use rejection, prior, draw, confidence, distance, score or slot")]
    Measure(String),
    #[error("\"{0}\" is no question; use class(..), seed(..), file(..) or verdict(..)")]
    Question(String),
    #[error("\"{0}\" is no verdict; use accepted, prior, confidence or other")]
    Verdict(String),
    #[error("\"{0}\" is no number")]
    Number(String),
    #[error("a parenthesis is not closed")]
    Open,
    #[error("the filter is too long or nested too deeply")]
    Depth,
}

/// Nesting allowed, so that a pasted text cannot exhaust the stack.
const DEPTH: usize = 64;
/// Bytes of text allowed, for the same reason: a chain of conditions nests to the left.
const LONGEST: usize = 4096;

impl Default for Filter {
    fn default() -> Self {
        Filter(Node::All)
    }
}

impl Filter {
    /// Parses a text; an empty one lets everything through.
    ///
    /// # Errors
    /// A sentence that names the word at fault.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        if text.trim().is_empty() {
            return Ok(Filter::default());
        }
        if text.len() > LONGEST {
            return Err(FilterError::Depth);
        }
        let mut parser = Parser { rest: text, depth: 0 };
        let node = parser.or()?;
        parser.space();
        match parser.word() {
            "" => Ok(Filter(node)),
            word => Err(FilterError::Unexpected(word.to_owned())),
        }
    }

    pub fn passes(&self, facts: &Facts<'_>) -> bool {
        self.0.passes(facts)
    }

    /// True where the filter asks for what the method thinks, which blind mode hides.
    pub fn asks_judgement(&self) -> bool {
        self.0.asks_judgement()
    }

    /// True where the filter asks for decisions, so that one may change what passes.
    pub fn asks_decision(&self) -> bool {
        self.0.asks_decision()
    }
}

impl Node {
    fn passes(&self, facts: &Facts<'_>) -> bool {
        match self {
            Node::All => true,
            Node::Or(a, b) => a.passes(facts) || b.passes(facts),
            Node::And(a, b) => a.passes(facts) && b.passes(facts),
            Node::Not(a) => !a.passes(facts),
            Node::Number(measure, compare, number) => measure.of(facts).is_some_and(|value| match compare {
                Compare::Less => value < *number,
                Compare::LessOrEqual => value <= *number,
                Compare::Greater => value > *number,
                Compare::GreaterOrEqual => value >= *number,
                Compare::Equal => (value - number).abs() < 1e-9,
                Compare::NotEqual => (value - number).abs() >= 1e-9,
            }),
            Node::Class(name) => facts.class == name,
            Node::SeedClass(name) => facts.seed_class.is_some_and(|c| c == name),
            Node::File(part) => facts.seed_file.is_some_and(|file| file.contains(part.as_str())),
            Node::Verdict(verdict) => facts.verdict == *verdict,
            Node::Decision(decision) => facts.decision == *decision,
        }
    }

    fn asks_judgement(&self) -> bool {
        match self {
            Node::Or(a, b) | Node::And(a, b) => a.asks_judgement() || b.asks_judgement(),
            Node::Not(a) => a.asks_judgement(),
            Node::Number(measure, ..) => measure.is_judgement(),
            Node::Verdict(_) => true,
            _ => false,
        }
    }

    fn asks_decision(&self) -> bool {
        match self {
            Node::Or(a, b) | Node::And(a, b) => a.asks_decision() || b.asks_decision(),
            Node::Not(a) => a.asks_decision(),
            Node::Decision(_) => true,
            _ => false,
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, token: &str) -> bool {
        self.space();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// The next word or sign, for names and for messages; empty at the end.
    fn word(&mut self) -> &'a str {
        self.space();
        let letters = self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.' || c == '%'));
        let length = match letters {
            Some(0) => self.rest.chars().next().map_or(0, char::len_utf8),
            Some(length) => length,
            None => self.rest.len(),
        };
        let (word, rest) = self.rest.split_at(length);
        self.rest = rest;
        word
    }

    fn or(&mut self) -> Result<Node, FilterError> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(FilterError::Depth);
        }
        let mut node = self.and()?;
        while self.take("||") {
            node = Node::Or(Box::new(node), Box::new(self.and()?));
        }
        self.depth -= 1;
        Ok(node)
    }

    fn and(&mut self) -> Result<Node, FilterError> {
        let mut node = self.not()?;
        while self.take("&&") {
            node = Node::And(Box::new(node), Box::new(self.not()?));
        }
        Ok(node)
    }

    fn not(&mut self) -> Result<Node, FilterError> {
        let mut negate = false;
        while self.take("!") {
            negate = !negate;
        }
        let node = if self.take("(") {
            let node = self.or()?;
            if !self.take(")") {
                return Err(FilterError::Open);
            }
            node
        } else {
            self.condition()?
        };
        Ok(if negate { Node::Not(Box::new(node)) } else { node })
    }

    fn condition(&mut self) -> Result<Node, FilterError> {
        let word = self.word();
        if word.is_empty() {
            return Err(FilterError::Ends);
        }
        if !word.chars().all(|c| c.is_alphanumeric() || c == '_') {
            return Err(FilterError::Unexpected(word.to_owned()));
        }
        if self.take("(") {
            let Some(end) = self.rest.find(')') else {
                return Err(FilterError::Open);
            };
            let argument = self.rest[..end].trim().to_owned();
            self.rest = &self.rest[end + 1..];
            return match word {
                "class" => Ok(Node::Class(argument)),
                "seed" => Ok(Node::SeedClass(argument)),
                "file" => Ok(Node::File(argument)),
                "verdict" => verdict(&argument).map(Node::Verdict),
                _ => Err(FilterError::Question(word.to_owned())),
            };
        }
        if let Some(compare) = self.compare() {
            let measure = Measure::ALL
                .into_iter()
                .find(|m| m.as_str() == word)
                .ok_or_else(|| FilterError::Measure(word.to_owned()))?;
            let minus = self.take("-");
            let text = self.word();
            let (digits, scale) = text.strip_suffix('%').map_or((text, 1.0), |digits| (digits, 0.01));
            let number: f64 = digits.parse().map_err(|_| FilterError::Number(text.to_owned()))?;
            return Ok(Node::Number(measure, compare, if minus { -number } else { number } * scale));
        }
        match Decision::parse(word) {
            Some(decision) => Ok(Node::Decision(decision)),
            None => Err(FilterError::Unexpected(word.to_owned())),
        }
    }

    fn compare(&mut self) -> Option<Compare> {
        // Two-letter signs first: `<` begins `<=`.
        [
            ("<=", Compare::LessOrEqual),
            (">=", Compare::GreaterOrEqual),
            ("==", Compare::Equal),
            ("!=", Compare::NotEqual),
            ("<", Compare::Less),
            (">", Compare::Greater),
            ("=", Compare::Equal),
        ]
        .into_iter()
        .find(|(sign, _)| self.take(sign))
        .map(|(_, compare)| compare)
    }
}

fn verdict(word: &str) -> Result<Verdict, FilterError> {
    match word {
        "accepted" => Ok(Verdict::Accepted),
        "prior" => Ok(Verdict::RejectedPrior),
        "confidence" => Ok(Verdict::RejectedConfidence),
        "other" => Ok(Verdict::RejectedOther),
        _ => Err(FilterError::Verdict(word.to_owned())),
    }
}
