//! Doubly linked lists over the slots of a slab, kept beside it so that a walk along a list does not touch the items.

/// No slot.
const NIL: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Link {
    previous: u32,
    next: u32,
}

#[derive(Clone, Copy, Debug)]
struct Ends {
    front: u32,
    back: u32,
    len: usize,
}

/// `N` lists. A slot is in one list at most; its owner remembers in which.
#[derive(Debug)]
pub(super) struct Lists<const N: usize> {
    links: Vec<Link>,
    ends: [Ends; N],
    /// Another slot stands at the front of some list than when this was last asked.
    new_front: bool,
}

impl<const N: usize> Lists<N> {
    pub(super) const fn new() -> Self {
        Self { links: Vec::new(), ends: [Ends { front: NIL, back: NIL, len: 0 }; N], new_front: false }
    }

    /// Whether the front of any list has changed since this was last asked.
    pub(super) const fn take_new_front(&mut self) -> bool {
        std::mem::replace(&mut self.new_front, false)
    }

    /// How many slots are in the list.
    pub(super) fn len(&self, list: usize) -> usize {
        self.ends[list].len
    }

    /// The slot that has been longest in the list.
    pub(super) fn front(&self, list: usize) -> Option<u32> {
        let front = self.ends[list].front;
        (front != NIL).then_some(front)
    }

    /// The slots in the list, from the front.
    pub(super) fn iter(&self, list: usize) -> impl Iterator<Item = u32> {
        let next = |slot: &u32| Some(self.links[*slot as usize].next).filter(|&next| next != NIL);
        std::iter::successors(self.front(list), next)
    }

    /// Appends a slot that is in no list.
    pub(super) fn push_back(&mut self, list: usize, slot: u32) {
        if self.links.len() <= slot as usize {
            self.links.resize(slot as usize + 1, Link { previous: NIL, next: NIL });
        }
        self.ends[list].len += 1;
        let back = std::mem::replace(&mut self.ends[list].back, slot);
        self.links[slot as usize] = Link { previous: back, next: NIL };
        match back {
            NIL => {
                self.ends[list].front = slot;
                self.new_front = true;
            }
            back => self.links[back as usize].next = slot,
        }
    }

    /// Takes a slot out of its list.
    pub(super) fn remove(&mut self, list: usize, slot: u32) {
        self.ends[list].len -= 1;
        let Link { previous, next } = self.links[slot as usize];
        match previous {
            NIL => {
                self.ends[list].front = next;
                self.new_front = true;
            }
            previous => self.links[previous as usize].next = next,
        }
        match next {
            NIL => self.ends[list].back = previous,
            next => self.links[next as usize].previous = previous,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_leave_from_anywhere_and_the_rest_keep_their_order() {
        let mut lists = Lists::<2>::new();
        for slot in 0..5 {
            lists.push_back(0, slot);
        }
        for slot in [2, 0, 4] {
            lists.remove(0, slot);
            lists.push_back(1, slot);
        }
        assert_eq!(lists.iter(0).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(lists.iter(1).collect::<Vec<_>>(), [2, 0, 4]);
        assert_eq!((lists.len(0), lists.len(1)), (2, 3));
        lists.remove(0, 1);
        lists.remove(0, 3);
        assert_eq!(lists.front(0), None);
    }
}
