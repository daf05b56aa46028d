//! Small decision trees over feature rows: the weak learners of AdaBoost.
//!
//! Each split is the one of an axis with the least weighted Gini impurity (Breiman et al. 1984); a tree
//! grows level by level. Knows rows of numbers, classes and weights; no network.

/// Feature rows with their classes.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// Row after row, `width` numbers each.
    pub values: &'a [f32],
    /// At least 1.
    pub width: usize,
    /// The class of each row, below `classes`.
    pub labels: &'a [usize],
    pub classes: usize,
}

impl<'a> Rows<'a> {
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Row `index`, which is below [`Rows::len`].
    pub fn row(&self, index: usize) -> &'a [f32] {
        &self.values[index * self.width..(index + 1) * self.width]
    }

    /// For each feature the rows by rising value, equal ones by position: what every tree on these rows
    /// starts from.
    pub fn orders(&self) -> Vec<Vec<usize>> {
        let order = |feature: usize| {
            let mut order: Vec<usize> = (0..self.len()).collect();
            order.sort_by(|&a, &b| self.row(a)[feature].total_cmp(&self.row(b)[feature]));
            order
        };
        (0..self.width).map(order).collect()
    }
}

/// A decision tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// The first is the root.
    nodes: Vec<Node>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Node {
    /// Says this class.
    Leaf(usize),
    /// Rows at most at the split go to node `below`, the others to the one behind that.
    Split { split: Split, below: usize },
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Split {
    feature: usize,
    at: f32,
}

impl Split {
    /// 0 below, 1 above.
    fn side(&self, row: &[f32]) -> usize {
        usize::from(row[self.feature] > self.at)
    }
}

/// A node that may still be split.
struct Open {
    /// Place among the nodes.
    node: usize,
    /// Weight of each class in it.
    weights: Vec<f64>,
    best: Option<Split>,
    /// What the best split so far keeps together, that of the node itself at first: the sum of squares of
    /// the classes' weights over their sum, for each part. The impurity is what lacks to the whole weight.
    purity: f64,
}

/// What a split must gain at least, so that rounding makes none; all weights together are 1.
const GAIN: f64 = 1e-9;

impl Open {
    fn new(node: usize, weights: Vec<f64>) -> Self {
        let purity = share(squares(&weights), weights.iter().sum());
        Open { node, weights, best: None, purity }
    }

    /// The class with the most weight; the first of equals.
    fn class(&self) -> usize {
        let mut best = 0;
        for (class, weight) in self.weights.iter().enumerate() {
            if *weight > self.weights[best] {
                best = class;
            }
        }
        best
    }
}

/// One feature of one open node, from its least value upwards.
struct Walk {
    /// Weight of each class at or below the present value.
    below: Vec<f64>,
    below_sum: f64,
    below_squares: f64,
    above_sum: f64,
    above_squares: f64,
    last: Option<f32>,
}

impl Walk {
    fn new(of: &Open) -> Self {
        Walk {
            below: vec![0.0; of.weights.len()],
            below_sum: 0.0,
            below_squares: 0.0,
            above_sum: of.weights.iter().sum(),
            above_squares: squares(&of.weights),
            last: None,
        }
    }

    fn purity(&self) -> f64 {
        share(self.below_squares, self.below_sum) + share(self.above_squares, self.above_sum)
    }

    /// A row goes below; `whole` is the weight of its class in the node.
    fn pass(&mut self, value: f32, class: usize, weight: f64, whole: f64) {
        let (below, above) = (self.below[class], whole - self.below[class]);
        self.below_squares += weight * (2.0 * below + weight);
        self.above_squares -= weight * (2.0 * above - weight);
        self.below[class] += weight;
        self.below_sum += weight;
        self.above_sum -= weight;
        self.last = Some(value);
    }
}

fn squares(weights: &[f64]) -> f64 {
    weights.iter().map(|weight| weight * weight).sum()
}

fn share(squares: f64, sum: f64) -> f64 {
    if sum > 0.0 { squares / sum } else { 0.0 }
}

/// A number that is at least `low` and below `high`.
fn between(low: f32, high: f32) -> f32 {
    let middle = low + (high - low) / 2.0;
    if middle < high { middle } else { low }
}

impl Tree {
    /// Grows a tree of at most `depth` levels of splits. `orders` are [`Rows::orders`]; `weights` has a
    /// number above 0 for each row, together 1.
    pub fn fit(rows: &Rows<'_>, orders: &[Vec<usize>], weights: &[f64], depth: usize) -> Self {
        let mut whole = vec![0.0; rows.classes.max(1)];
        for (&class, weight) in rows.labels.iter().zip(weights) {
            whole[class] += weight;
        }
        let root = Open::new(0, whole);
        let mut nodes = vec![Node::Leaf(root.class())];
        let mut open = vec![root];
        // Of each row the open node that it is in; none once that is a leaf for good.
        let mut place: Vec<Option<usize>> = vec![Some(0); rows.len()];
        for _ in 0..depth {
            for (feature, order) in orders.iter().enumerate() {
                look(rows, weights, feature, order, &place, &mut open);
            }
            // Of each open node the first of its two children among all of them.
            let mut children: Vec<Vec<f64>> = Vec::new();
            let mut firsts: Vec<Option<usize>> = Vec::with_capacity(open.len());
            let behind = nodes.len();
            for node in &open {
                firsts.push(node.best.map(|split| {
                    let first = children.len();
                    nodes[node.node] = Node::Split { split, below: behind + first };
                    children.extend([vec![0.0; rows.classes], vec![0.0; rows.classes]]);
                    first
                }));
            }
            if children.is_empty() {
                break;
            }
            for (row, place) in place.iter_mut().enumerate() {
                let child = place.and_then(|at| Some((open[at].best?, firsts[at]?)));
                *place = child.map(|(split, first)| first + split.side(rows.row(row)));
                if let Some(child) = *place {
                    children[child][rows.labels[row]] += weights[row];
                }
            }
            let next = children.into_iter().enumerate();
            open = next.map(|(child, weights)| Open::new(behind + child, weights)).collect();
            nodes.extend(open.iter().map(|child| Node::Leaf(child.class())));
        }
        Tree { nodes }
    }

    /// The class that the tree says of a row.
    pub fn says(&self, row: &[f32]) -> usize {
        let mut at = 0;
        loop {
            match self.nodes[at] {
                Node::Leaf(class) => return class,
                Node::Split { split, below } => at = below + split.side(row),
            }
        }
    }
}

/// Goes along one feature and notes each split that keeps more together than the best one so far of its node.
fn look(
    rows: &Rows<'_>,
    weights: &[f64],
    feature: usize,
    order: &[usize],
    place: &[Option<usize>],
    open: &mut [Open],
) {
    let mut walks: Vec<Walk> = open.iter().map(Walk::new).collect();
    for &row in order {
        let Some(at) = place[row] else { continue };
        let (walk, node) = (&mut walks[at], &mut open[at]);
        let (value, class) = (rows.row(row)[feature], rows.labels[row]);
        if let Some(last) = walk.last.filter(|last| *last < value) {
            let purity = walk.purity();
            if purity > node.purity + GAIN {
                node.purity = purity;
                node.best = Some(Split { feature, at: between(last, value) });
            }
        }
        walk.pass(value, class, weights[row], node.weights[class]);
    }
}
