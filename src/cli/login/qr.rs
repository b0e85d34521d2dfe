//! Draws a link as a QR code with text characters. Only this file uses the crate `qrcode`.

use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

/// Returns the lines of the QR code, or `None` if the link is too long. The lines suit dark and light terminals,
/// because scanners also read inverted codes.
pub(super) fn lines(link: &str) -> Option<Vec<String>> {
    let code = QrCode::with_error_correction_level(link, EcLevel::L).ok()?;
    // Most terminals write light text on a dark background, so the code's light squares are drawn as text.
    let text = code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
    Some(text.lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_becomes_a_square_two_rows_a_line() {
        let lines = lines("https://github.com/login/device").unwrap();
        let width = lines[0].chars().count();
        assert_eq!((width, lines.len()), (33, 17)); // version 2 has 25 modules and a margin of 4 on each side
        assert!(lines.iter().all(|line| line.chars().count() == width));
        assert!(super::lines(&"x".repeat(4000)).is_none());
    }
}
