package faults

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
)

// errFrame is the error for bytes that are not RESP. The proxy ends such a connection.
var errFrame = errors.New("proxy: not a RESP frame")

// readFrame reads one whole frame of RESP2 or RESP3, nested frames included, and returns its bytes.
func readFrame(r *bufio.Reader) ([]byte, error) {
	return appendFrame(nil, r, 0)
}

func appendFrame(frame []byte, r *bufio.Reader, depth int) ([]byte, error) {
	line, err := r.ReadBytes('\n')
	frame = append(frame, line...)
	if err != nil {
		return frame, err
	}
	if len(line) < 3 || line[len(line)-2] != '\r' || depth > 32 {
		return frame, errFrame
	}
	size := func() (int, error) { return strconv.Atoi(string(line[1 : len(line)-2])) }
	parts := 0
	switch line[0] {
	case '+', '-', ':', '_', ',', '#', '(':
		return frame, nil
	case '$', '=', '!':
		n, err := size()
		if err != nil || n < 0 {
			return frame, err // -1 is null
		}
		body := make([]byte, n+2)
		got, err := io.ReadFull(r, body)
		return append(frame, body[:got]...), err
	case '*', '~', '>':
		parts, err = size()
	case '%':
		parts, err = size()
		parts *= 2
	case '|': // attributes, followed by the frame that they describe
		parts, err = size()
		parts = 2*parts + 1
	default:
		return frame, errFrame
	}
	for range parts {
		if err != nil {
			break
		}
		frame, err = appendFrame(frame, r, depth+1)
	}
	return frame, err
}

// commandOf returns the name of a command in upper case, and "" for a frame that is not a command.
func commandOf(frame []byte) string {
	parts := bytes.SplitN(frame, []byte("\r\n"), 4)
	if len(parts) < 3 || len(parts[0]) == 0 || parts[0][0] != '*' {
		return ""
	}
	return strings.ToUpper(string(parts[2]))
}
