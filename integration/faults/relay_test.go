package faults

import (
	"bufio"
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// TestRelayFreezes: a relay forwards in both directions until it is frozen. Then no byte arrives, and a connection stays open even if its other
// side has closed.
func TestRelayFreezes(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // nothing to wait for
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	far := make(chan net.Conn, 1)
	go func() {
		if c, err := l.Accept(); err == nil {
			far <- c
		}
	}()
	r, err := startRelay(t.Context(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	near, err := net.Dial("tcp", r.addr) //nolint:noctx // on this machine
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	send := func(c net.Conn, word string) {
		t.Helper()
		if _, err := c.Write([]byte(word + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(c net.Conn, want string) {
		t.Helper()
		if got, err := bufio.NewReader(c).ReadString('\n'); err != nil || got != want+"\n" {
			t.Fatalf("received %q, error %v, want %q", got, err, want)
		}
	}
	send(near, "there")
	other := <-far
	expect(other, "there")
	send(other, "back")
	expect(near, "back")

	r.freeze()
	send(near, "lost")
	if err := near.Close(); err != nil {
		t.Fatal(err)
	}
	if err := other.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := other.Read(make([]byte, 16)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a frozen relay forwarded %d bytes, or the end: %v", n, err)
	}
}
