//! What the faults of a document may name.

use super::document::{Document, Stretch};
use crate::fault::Ground;
use crate::units::Metres;

impl Ground for Document {
    fn duct_length(&self, name: &str) -> Option<Metres> {
        Document::duct_length(self, name)
    }

    fn ducts(&self) -> Vec<String> {
        let own = |stretches: &[Stretch]| stretches.is_empty();
        let links = self.qkdns.iter().flat_map(|qkdn| {
            qkdn.links
                .iter()
                .filter(|link| own(&link.ducts))
                .map(|link| format!("{}/{}", qkdn.id, link.id))
        });
        let boundaries = self.boundaries.iter().filter(|boundary| own(&boundary.ducts));
        let boundaries = boundaries.map(|boundary| boundary.id.0.clone());
        let shared = self.ducts.iter().map(|duct| duct.id.0.clone());
        boundaries.chain(shared).chain(links).collect()
    }
}
