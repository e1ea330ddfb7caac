//! A list whose copies share what they have in common, so that a list for each step of a job costs
//! what the step changes and not what it keeps.
//!
//! A tree of nodes of 16: a change copies the nodes on the way to it, and no others, as in the
//! persistent vectors of Clojure (after Bagwell, "Ideal Hash Trees", 2001).

use std::ops::Index;
use std::sync::Arc;

const BITS: u32 = 4;
const WIDTH: usize = 1 << BITS;

/// A list; to copy it costs nothing, to change a copy a few nodes.
#[derive(Clone, Debug)]
pub(super) struct Shared<T> {
    root: Arc<Node<T>>,
    len: usize,
    /// By how many bits a position is shifted to give the child of the root.
    shift: u32,
}

#[derive(Clone, Debug)]
enum Node<T> {
    Leaf(Vec<T>),
    Inner(Vec<Arc<Node<T>>>),
}

impl<T> Default for Shared<T> {
    fn default() -> Shared<T> {
        Shared { root: Arc::new(Node::Leaf(vec![])), len: 0, shift: 0 }
    }
}

impl<T> Shared<T> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, at: usize) -> Option<&T> {
        if at >= self.len {
            return None;
        }
        let (mut node, mut shift) = (&self.root, self.shift);
        loop {
            match &**node {
                Node::Leaf(items) => return items.get(at % WIDTH),
                Node::Inner(children) => node = &children[(at >> shift) % WIDTH],
            }
            shift -= BITS;
        }
    }
}

impl<T: Clone> Shared<T> {
    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        if at >= self.len {
            return None;
        }
        let (mut node, mut shift) = (&mut self.root, self.shift);
        loop {
            match Arc::make_mut(node) {
                Node::Leaf(items) => return items.get_mut(at % WIDTH),
                Node::Inner(children) => node = &mut children[(at >> shift) % WIDTH],
            }
            shift -= BITS;
        }
    }

    pub(super) fn push(&mut self, item: T) {
        if self.len == WIDTH << self.shift {
            let full = self.root.clone();
            self.root = Arc::new(Node::Inner(vec![full]));
            self.shift += BITS;
        }
        let (mut node, mut shift) = (&mut self.root, self.shift);
        loop {
            match Arc::make_mut(node) {
                Node::Leaf(items) => {
                    items.push(item);
                    break;
                }
                Node::Inner(children) => {
                    let at = (self.len >> shift) % WIDTH;
                    shift -= BITS;
                    if at == children.len() {
                        let new = if shift == 0 { Node::Leaf(vec![]) } else { Node::Inner(vec![]) };
                        children.push(Arc::new(new));
                    }
                    node = &mut children[at];
                }
            }
        }
        self.len += 1;
    }
}

impl<T> Index<usize> for Shared<T> {
    type Output = T;

    fn index(&self, at: usize) -> &T {
        self.get(at).unwrap_or_else(|| panic!("item {at} of a list of {}", self.len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_do_not_see_each_others_changes() {
        let mut lists: Vec<Shared<usize>> = vec![Shared::default()];
        for at in 0..5000 {
            let mut next = lists[at].clone();
            next.push(at);
            if at % 3 == 0 {
                *next.get_mut(at / 2).expect("it is there") += 1;
            }
            lists.push(next);
        }
        let mut plain = vec![];
        for (len, list) in lists.iter().enumerate() {
            let items: Vec<usize> = (0..list.len()).map(|at| list[at]).collect();
            assert_eq!(items, plain, "after {len} changes");
            assert!(list.get(len).is_none());
            plain.push(len);
            if len % 3 == 0 {
                plain[len / 2] += 1;
            }
        }
    }
}
