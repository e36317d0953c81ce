//! "Did you mean": the known names nearest to an unknown one.

/// At most three of `known` that `name` may have been meant to be, the nearest first.
///
/// Near means: equal but for case, or an edit distance (with transpositions) of at most a third of the name's length.
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Vec<&'k str> {
    let limit = (name.chars().count() / 3).clamp(1, 3);
    let mut near: Vec<(usize, &str)> = known
        .into_iter()
        .filter(|k| *k != name)
        .filter_map(|k| {
            if k.eq_ignore_ascii_case(name) {
                return Some((0, k));
            }
            let distance = strsim::osa_distance(&name.to_lowercase(), &k.to_lowercase());
            (distance <= limit).then_some((distance, k))
        })
        .collect();
    near.sort();
    near.dedup();
    near.into_iter().take(3).map(|(_, k)| k).collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_comes_first_and_far_ones_stay_away() {
        assert_eq!(nearest("amout", ["amount", "account", "card"]), ["amount"]);
        assert_eq!(nearest("Card", ["card", "cart"]), ["card", "cart"]);
        assert_eq!(nearest("x", ["price", "y"]), ["y"]);
        assert!(nearest("zzz", ["price", "card"]).is_empty());
    }
}
