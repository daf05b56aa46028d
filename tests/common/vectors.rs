//! Reads the reference vectors of tests/vectors and compares by the rule that the files state: integers, strings,
//! booleans and null exactly; numbers with a decimal point by the vector's tolerance, `|got - want| <= a + r |want|`.
#![allow(dead_code, clippy::unwrap_used)]

use serde_json::Value;

/// The precision of the code under test, which chooses the column of the tolerance.
#[derive(Clone, Copy, Debug)]
pub enum Precision {
    F64,
    F32,
}

/// One file of vectors.
pub struct Book(Value);

impl Book {
    /// Reads `tests/vectors/<name>.json`.
    pub fn read(name: &str) -> Self {
        let path = format!("{}/tests/vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
        Book(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
    }

    pub fn all(&self) -> impl Iterator<Item = Vector<'_>> {
        self.0["vectors"].as_array().unwrap().iter().map(Vector)
    }

    pub fn get(&self, id: &str) -> Vector<'_> {
        self.all().find(|v| v.id() == id).unwrap_or_else(|| panic!("no vector {id}"))
    }
}

/// One vector.
#[derive(Clone, Copy)]
pub struct Vector<'a>(pub &'a Value);

impl<'a> Vector<'a> {
    pub fn id(self) -> &'a str {
        self.0["id"].as_str().unwrap()
    }

    pub fn kind(self) -> &'a str {
        self.0["kind"].as_str().unwrap()
    }

    pub fn input(self, name: &str) -> &'a Value {
        let value = &self.0["inputs"][name];
        assert!(!value.is_null(), "{}: no input {name}", self.id());
        value
    }

    pub fn expected(self) -> &'a Value {
        &self.0["expected"]
    }

    /// Panics with every difference between `got` and the whole of `expected`.
    pub fn check(self, precision: Precision, got: &Value) {
        self.check_against(precision, self.expected(), got);
    }

    /// The same for one entry of `expected`.
    pub fn check_part(self, precision: Precision, name: &str, got: &Value) {
        self.check_against(precision, &self.expected()[name], got);
    }

    fn check_against(self, precision: Precision, want: &Value, got: &Value) {
        assert_eq!(self.kind(), "golden", "{} is no golden vector", self.id());
        let mut found = Vec::new();
        differences(self.tolerance(precision), want, got, "", &mut found);
        assert!(found.is_empty(), "{}: {}", self.id(), found.join("; "));
    }

    /// For a `wrong_answer` vector: panics where `got` equals what a known bug gives.
    pub fn check_differs(self, precision: Precision, name: &str, got: &Value) {
        assert_eq!(self.kind(), "wrong_answer", "{} is no wrong answer", self.id());
        let mut found = Vec::new();
        differences(self.tolerance(precision), &self.expected()[name], got, "", &mut found);
        assert!(!found.is_empty(), "{}: this is the answer of a known bug", self.id());
    }

    /// (absolute, relative); zero for exact.
    fn tolerance(self, precision: Precision) -> (f64, f64) {
        let column = match precision {
            Precision::F64 => "f64",
            Precision::F32 => "f32",
        };
        let tolerance = &self.0["tolerance"];
        if tolerance["exact"] == true {
            return (0.0, 0.0);
        }
        (tolerance[column]["abs"].as_f64().unwrap(), tolerance[column]["rel"].as_f64().unwrap())
    }
}

fn differences((abs, rel): (f64, f64), want: &Value, got: &Value, place: &str, found: &mut Vec<String>) {
    match (want, got) {
        (Value::Array(w), Value::Array(g)) if w.len() == g.len() => {
            for (i, (w, g)) in w.iter().zip(g).enumerate() {
                differences((abs, rel), w, g, &format!("{place}/{i}"), found);
            }
        }
        (Value::Object(w), Value::Object(g)) if w.len() == g.len() => {
            for (key, w) in w {
                differences((abs, rel), w, &g[key], &format!("{place}/{key}"), found);
            }
        }
        (Value::Number(w), Value::Number(g)) if w.is_f64() => {
            let (w, g) = (w.as_f64().unwrap(), g.as_f64().unwrap());
            let close = (g - w).abs() <= abs + rel * w.abs();
            if !close {
                found.push(format!("{place}: {g} instead of {w}"));
            }
        }
        _ if want == got => {}
        _ => found.push(format!("{place}: {got} instead of {want}")),
    }
}

/// A list of numbers as f64.
pub fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// A list of whole numbers.
pub fn counts(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as usize).collect()
}

#[test]
fn the_comparison_itself_sees_differences() {
    use serde_json::json;
    let check = |want: Value, got: Value| {
        let mut found = Vec::new();
        differences((1e-6, 0.0), &want, &got, "", &mut found);
        found.len()
    };
    assert_eq!(check(json!({"a": [1.0, 2]}), json!({"a": [1.0000001, 2]})), 0);
    assert_eq!(check(json!({"a": [1.0, 2]}), json!({"a": [1.1, 3]})), 2);
    assert_eq!(check(json!(1), json!(1.0)), 1, "integers are exact");
    assert_eq!(check(json!([1.0]), json!([1.0, 1.0])), 1);
    assert_eq!(check(json!(null), json!(0.0)), 1);
}
