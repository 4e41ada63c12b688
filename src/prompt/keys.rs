//! Keys, told from the bytes that a terminal sends for them (ECMA-48; xterm's control sequences).

use std::io;

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Char(char),
    Enter,
    Tab,
    Backspace,
    Delete,
    /// Ctrl-D.
    EndOrDelete,
    /// Ctrl-C.
    Interrupt,
    Left,
    Right,
    WordLeft,
    WordRight,
    Up,
    Down,
    Home,
    End,
    /// Ctrl-K: what stands behind the cursor goes.
    CutEnd,
    /// Ctrl-U: what stands before it goes.
    CutStart,
    /// Ctrl-W: the word before it goes.
    CutWord,
    /// Ctrl-L.
    Clear,
    /// Anything else.
    Other,
}

/// The next key; `None` at the end of the input.
pub(super) fn read(bytes: &mut dyn Iterator<Item = io::Result<u8>>) -> io::Result<Option<Key>> {
    let Some(first) = bytes.next().transpose()? else { return Ok(None) };
    Ok(Some(match first {
        b'\r' | b'\n' => Key::Enter,
        b'\t' => Key::Tab,
        0x7f | 0x08 => Key::Backspace,
        0x01 => Key::Home,
        0x02 => Key::Left,
        0x03 => Key::Interrupt,
        0x04 => Key::EndOrDelete,
        0x05 => Key::End,
        0x06 => Key::Right,
        0x0b => Key::CutEnd,
        0x0c => Key::Clear,
        0x0e => Key::Down,
        0x10 => Key::Up,
        0x15 => Key::CutStart,
        0x17 => Key::CutWord,
        0x1b => escaped(bytes)?,
        0x00..=0x1f => Key::Other,
        first => letter(first, bytes)?,
    }))
}

fn escaped(bytes: &mut dyn Iterator<Item = io::Result<u8>>) -> io::Result<Key> {
    let Some(second) = bytes.next().transpose()? else { return Ok(Key::Other) };
    match second {
        b'[' | b'O' => {}
        b'b' => return Ok(Key::WordLeft),
        b'f' => return Ok(Key::WordRight),
        0x7f => return Ok(Key::CutWord),
        _ => return Ok(Key::Other),
    }
    let mut parameters = String::new();
    while let Some(byte) = bytes.next().transpose()? {
        // A sequence ends with a letter or `~`.
        if !(0x40..=0x7e).contains(&byte) {
            parameters.push(char::from(byte));
            if parameters.len() > 16 {
                break;
            }
            continue;
        }
        // `1;5C`: with Ctrl or Alt.
        let held = parameters.contains(';');
        return Ok(match (byte, parameters.as_str()) {
            (b'A', _) => Key::Up,
            (b'B', _) => Key::Down,
            (b'C', _) => {
                if held {
                    Key::WordRight
                } else {
                    Key::Right
                }
            }
            (b'D', _) => {
                if held {
                    Key::WordLeft
                } else {
                    Key::Left
                }
            }
            (b'H', _) | (b'~', "1" | "7") => Key::Home,
            (b'F', _) | (b'~', "4" | "8") => Key::End,
            (b'~', "3") => Key::Delete,
            _ => Key::Other,
        });
    }
    Ok(Key::Other)
}

fn letter(first: u8, bytes: &mut dyn Iterator<Item = io::Result<u8>>) -> io::Result<Key> {
    let length = match first {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf7 => 4,
        _ => 1,
    };
    let mut letter = vec![first];
    while letter.len() < length {
        let Some(byte) = bytes.next().transpose()? else { break };
        letter.push(byte);
    }
    let text = std::str::from_utf8(&letter).ok().and_then(|text| text.chars().next());
    Ok(text.filter(|letter| !letter.is_control()).map_or(Key::Other, Key::Char))
}
