//! How much memory the process has: what the system says, which has buffers, dictionaries, rows on their way and the allocator's own in it.

/// Bytes that the process has in memory now, its program's own among them; nothing where the system does not say.
#[cfg(target_os = "linux")]
pub fn resident_bytes() -> Option<usize> {
    use std::fs::File;
    use std::os::unix::fs::FileExt;
    use std::sync::OnceLock;

    // Kept open: it is read again and again.
    static STATM: OnceLock<Option<(File, usize)>> = OnceLock::new();
    let (file, page) = STATM.get_or_init(|| Some((File::open("/proc/self/statm").ok()?, page_size()?))).as_ref()?;
    let mut text = [0; 128];
    let length = file.read_at(&mut text, 0).ok()?;
    let pages: usize = std::str::from_utf8(&text[..length]).ok()?.split(' ').nth(1)?.parse().ok()?;
    pages.checked_mul(*page)
}

/// The size of a page, as the system has told this process.
#[cfg(target_os = "linux")]
fn page_size() -> Option<usize> {
    const PAGE_SIZE: usize = 6;
    let told = std::fs::read("/proc/self/auxv").ok()?;
    let word = |bytes: &[u8]| bytes.try_into().ok().map(usize::from_ne_bytes);
    let pairs = told.chunks_exact(2 * size_of::<usize>());
    pairs.map(|pair| pair.split_at(size_of::<usize>())).find(|(key, _)| word(key) == Some(PAGE_SIZE)).and_then(|(_, value)| word(value))
}

/// Bytes that the process has in memory now; nothing where the system does not say.
#[cfg(not(target_os = "linux"))]
pub fn resident_bytes() -> Option<usize> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::resident_bytes;

    #[test]
    fn what_is_written_to_is_resident() {
        let before = resident_bytes().expect("the system says");
        let block = vec![1_u8; 64 << 20];
        let after = resident_bytes().expect("the system says");
        assert!(after >= before + (60 << 20), "{before} and {after} with {} bytes more", block.len());
    }
}
