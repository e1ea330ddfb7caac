//! The graph of a run, drawn from left to right: sources, jobs, outputs.

use super::escaped;
use crate::run::Node;
use std::collections::HashMap;

/// The size of a box, and from one to the next.
const WIDTH: usize = 172;
const HEIGHT: usize = 46;
const ACROSS: usize = 212;
const DOWN: usize = 62;
/// Letters that a box has room for.
const LETTERS: usize = 21;

/// What is said of a table beside its name: how it is painted, and a few words.
pub(super) type Said = (String, String);

/// Draws it; none if there is nothing to be drawn.
pub(super) fn draw(nodes: &[Node], said: impl Fn(&Node) -> Said) -> Option<String> {
    if nodes.is_empty() {
        return None;
    }
    let places = places(nodes);
    let right = places.iter().map(|(column, _)| column).max()? * ACROSS + WIDTH;
    let low = places.iter().map(|(_, row)| row).max()? * DOWN + HEIGHT;
    let at = |(column, row): (usize, usize)| (column * ACROSS + 2, row * DOWN + 2);
    let mut svg = format!(
        "<svg role=\"img\" aria-label=\"The graph of the pipeline\" width=\"{0}\" height=\"{1}\" \
         viewBox=\"0 0 {0} {1}\">\n",
        right + 4,
        low + 4
    );
    for (node, place) in nodes.iter().zip(&places) {
        let (x, y) = at(*place);
        let edges = before(nodes, node).into_iter();
        for (from, class) in
            edges.map(|(from, reads)| (from, if reads { "edge" } else { "after edge" }))
        {
            let (before, above) = at(places[from]);
            let (begin, end) = (before + WIDTH, x);
            let (from_y, to_y) = (above + HEIGHT / 2, y + HEIGHT / 2);
            let bend = begin + (end.saturating_sub(begin)).div_ceil(2);
            svg.push_str(&format!(
                "<path class=\"{class}\" d=\"M{begin} {from_y} C{bend} {from_y} {bend} {to_y} {end} {to_y}\"/>\n"
            ));
        }
    }
    for (node, place) in nodes.iter().zip(&places) {
        let ((x, y), (class, words)) = (at(*place), said(node));
        svg.push_str(&format!(
            "<g class=\"{} {class}\"><title>{}</title>\
             <rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"8\"/>\
             <text x=\"{2}\" y=\"{3}\">{4}</text><text class=\"of\" x=\"{2}\" y=\"{5}\">{6}</text></g>\n",
            node.kind,
            escaped(&node.name),
            x + 12,
            y + 20,
            escaped(&short(&node.name)),
            y + 36,
            escaped(&short(&words)),
        ));
    }
    svg.push_str("</svg>\n");
    Some(svg)
}

/// What stands before it, and whether it is made of that, or only runs after it.
fn before(nodes: &[Node], node: &Node) -> Vec<(usize, bool)> {
    let all = node.from.iter().map(|from| (from, true));
    let all = all.chain(node.after.iter().map(|after| (after, false)));
    all.filter_map(|(name, reads)| Some((position(nodes, name)?, reads))).collect()
}

fn position(nodes: &[Node], key: &str) -> Option<usize> {
    nodes.iter().position(|node| node.name == key && node.kind != "output")
}

/// The column and row of each: behind all that it is made of, outputs behind all, and near those that
/// it is made of.
fn places(nodes: &[Node]) -> Vec<(usize, usize)> {
    let mut columns = vec![0; nodes.len()];
    // Jobs stand behind what they read.
    for (at, node) in nodes.iter().enumerate() {
        let before = before(nodes, node).into_iter();
        columns[at] = before.map(|(before, _)| columns[before] + 1).max().unwrap_or(0);
    }
    let mut rows = vec![0; nodes.len()];
    let mut used: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    order.sort_by_key(|at| columns[*at]);
    for at in order {
        let before: Vec<usize> =
            before(nodes, &nodes[at]).into_iter().map(|(before, _)| before).collect();
        let wanted = match before.len() {
            0 => 0,
            many => before.iter().map(|before| rows[*before]).sum::<usize>().div_ceil(many),
        };
        let taken = used.entry(columns[at]).or_default();
        // The nearest row that is free, below before above.
        let near = |step: usize| [Some(wanted + step), wanted.checked_sub(step)];
        let free = (0..).flat_map(near).flatten().find(|row| !taken.contains(row));
        rows[at] = free.unwrap_or(wanted);
        taken.push(rows[at]);
    }
    columns.into_iter().zip(rows).collect()
}

/// As much of a text as there is room for.
fn short(text: &str) -> String {
    match text.char_indices().nth(LETTERS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(kind: &str, name: &str, from: &[&str]) -> Node {
        let from = from.iter().map(|from| (*from).to_owned()).collect();
        Node { kind: kind.into(), name: name.into(), from, after: vec![] }
    }

    #[test]
    fn what_is_made_of_others_stands_behind_them_and_nothing_on_another() {
        let nodes = [
            node("source", "a", &[]),
            node("source", "b", &[]),
            node("job", "x", &["a", "b"]),
            node("job", "y", &["x"]),
            node("output", "x", &["x"]),
            node("output", "o", &["y"]),
            Node { after: vec!["y".into()], ..node("job", "z", &["a"]) },
        ];
        assert_eq!(places(&nodes), [(0, 0), (0, 1), (1, 1), (2, 1), (2, 2), (3, 1), (3, 2)]);
        let svg = draw(&nodes, |_| ("success".into(), "<1>".into())).unwrap();
        assert_eq!((svg.matches("<g ").count(), svg.matches("<path ").count()), (7, 7));
        assert_eq!(svg.matches("<path class=\"after edge\"").count(), 1);
        assert!(svg.contains("&lt;1&gt;") && !svg.contains("<1>"));
        assert_eq!(draw(&[], |_| Default::default()), None);
    }
}
