//! Slots that are used again.

/// Items in numbered slots. A vacant slot holds the default item.
#[derive(Debug)]
pub(super) struct Slab<T> {
    items: Vec<T>,
    vacant: Vec<u32>,
}

impl<T: Default> Slab<T> {
    pub(super) const fn new() -> Self {
        Self { items: Vec::new(), vacant: Vec::new() }
    }

    /// Items held.
    pub(super) fn len(&self) -> usize {
        self.items.len() - self.vacant.len()
    }

    pub(super) fn insert(&mut self, item: T) -> u32 {
        if let Some(slot) = self.vacant.pop() {
            self.items[slot as usize] = item;
            return slot;
        }
        self.items.push(item);
        (self.items.len() - 1) as u32
    }

    pub(super) fn remove(&mut self, slot: u32) -> T {
        self.vacant.push(slot);
        std::mem::take(&mut self.items[slot as usize])
    }

    pub(super) fn get(&self, slot: u32) -> &T {
        &self.items[slot as usize]
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> &mut T {
        &mut self.items[slot as usize]
    }

    /// Every slot, vacant ones too.
    pub(super) fn slots(&self) -> std::ops::Range<u32> {
        0..self.items.len() as u32
    }
}
