package sse

// Frame is an event in wire form. Any number of Writers may send it, and share its bytes: an event for many clients is
// encoded once and stored once, even while some of the clients stall. The zero Frame is no event, and no Writer sends
// it.
type Frame struct {
	key  string
	wire []byte // never written to
}

// Frame encodes the event. It returns the errors of [Event.AppendText].
func (e Event) Frame() (Frame, error) {
	wire, err := e.AppendText(nil)
	if err != nil {
		return Frame{}, err
	}
	return Frame{key: e.Key, wire: wire}, nil
}

// Key returns the key of the event.
func (f Frame) Key() string { return f.key }

// AppendText appends the event in wire form to b. The error is always nil.
func (f Frame) AppendText(b []byte) ([]byte, error) { return append(b, f.wire...), nil }

// Len returns how many bytes the event takes on the wire.
func (f Frame) Len() int { return len(f.wire) }
