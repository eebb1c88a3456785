package playlist

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const saveAsUTF8 = `save the file as UTF-8: in Excel, "CSV UTF-8"`

// decode returns an input as UTF-8 without a byte-order mark, with lines that end in "\n" or "\r\n". Spreadsheets and
// music programs also write UTF-16, and some of them end lines with "\r" alone.
func decode(data []byte) (string, *ParseError) {
	var text string
	switch order, marked := byteOrder(data); {
	case order != nil && marked:
		text = fromUTF16(data[2:], order)
	case order != nil:
		text = fromUTF16(data, order)
	default:
		data = bytes.TrimPrefix(data, []byte("\ufeff"))
		if at := invalidUTF8(data); at >= 0 {
			return "", refuse(ReasonEncoding, 1+bytes.Count(data[:at], []byte{'\n'}), saveAsUTF8, "byte 0x%02x is not UTF-8", data[at])
		}
		text = string(data)
	}
	if !strings.Contains(text, "\n") {
		text = strings.ReplaceAll(text, "\r", "\n")
	}
	return text, nil
}

// byteOrder returns the byte order of an input in UTF-16, and nil for other inputs. Without a byte-order mark, the zero
// byte of a first ASCII character shows it.
func byteOrder(data []byte) (order binary.ByteOrder, marked bool) {
	switch {
	case len(data) < 2:
		return nil, false
	case data[0] == 0xff && data[1] == 0xfe:
		return binary.LittleEndian, true
	case data[0] == 0xfe && data[1] == 0xff:
		return binary.BigEndian, true
	case data[0] != 0 && data[1] == 0:
		return binary.LittleEndian, false
	case data[0] == 0 && data[1] != 0:
		return binary.BigEndian, false
	}
	return nil, false
}

func fromUTF16(data []byte, order binary.ByteOrder) string {
	var b strings.Builder
	b.Grow(len(data))
	for at := 0; at+2 <= len(data); at += 2 {
		r := rune(order.Uint16(data[at:]))
		if utf16.IsSurrogate(r) && at+4 <= len(data) {
			if pair := utf16.DecodeRune(r, rune(order.Uint16(data[at+2:]))); pair != utf8.RuneError {
				r, at = pair, at+2
			}
		}
		b.WriteRune(r) // half of a pair becomes U+FFFD
	}
	return b.String()
}

// invalidUTF8 returns the offset of the first byte that is not part of a UTF-8 character, or -1.
func invalidUTF8(data []byte) int {
	if utf8.Valid(data) {
		return -1
	}
	for at := 0; at < len(data); {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return -1
}
