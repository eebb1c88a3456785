package tui

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// failed returns a reading that failed some seconds after the first.
func failed(seconds int, text string) fetched {
	at := began.Add(time.Duration(seconds) * time.Second)
	return fetched{begun: at, ended: at.Add(time.Second), err: errors.New(text)}
}

// at sets the clock of the model to some seconds after the first reading.
func at(m *model, seconds int) { m.Update(clock(began.Add(time.Duration(seconds) * time.Second))) }

// TestOldDataNeverLooksLive checks that data is STALE after the stale age and after a failed reading, and live again after the next reading.
func TestOldDataNeverLooksLive(t *testing.T) {
	m := watching(100, 30)
	at(m, 70)
	has(t, m, "10s old")
	lacks(t, m, "STALE")
	at(m, 71)
	has(t, m, "shop  STALE 11s", "! STALE 11s: the next reading is late")
	for line := range strings.SplitSeq(strings.TrimSpace(m.View().Content), "\n") {
		if strings.Contains(line, "stripe") && line != "\x1b[2m"+ansi.Strip(line)+"\x1b[m" {
			t.Errorf("a row of old data is not dim: %q", line)
		}
	}
	m.Update(reading(shop(72), ""))
	has(t, m, "0s old")
	lacks(t, m, "STALE")

	m.Update(failed(74, "redis at 10.0.0.5:6379 refuses: NOPERM this user has no permissions"))
	has(t, m, "shop  STALE 3s", "STALE 3s: redis at 10.0.0.5:6379 refuses: NOPERM", "since 03:05:20 UTC", "stripe:charges")
	m.Update(failed(76, "redis at 10.0.0.5:6379 refuses: \x1b]0;owned\x07WRONGPASS"))
	has(t, m, "refuses: ?]0;owned?WRONGPASS", "since 03:05:20 UTC")
	press(m, "6")
	has(t, m, "GONE: redis at 10.0.0.5:6379 refuses: NOPERM")
	m.Update(reading(shop(80), ""))
	lacks(t, m, "STALE", "! redis")
	has(t, m, "answers again, after 5s")
}

// TestRedisThatNeverAnswered checks that every screen has the banner, before the first report.
func TestRedisThatNeverAnswered(t *testing.T) {
	m := newModel(Config{Namespace: "shop", Addr: "10.0.0.5:6379"}, nil)
	m.now, m.width, m.height = began, 80, 24
	has(t, m, "NO DATA", "Reading 10.0.0.5:6379")
	m.Update(failed(1, "redis at 10.0.0.5:6379 does not answer: tls: first record does not look like a TLS handshake"))
	for _, key := range []string{"1", "2", "3", "4", "5", "6", "?", "?", "enter", "j", "s", "f", "/", "x", "esc", "esc", "space", "space"} {
		press(m, key)
		has(t, m, "! redis at 10.0.0.5:6379 does not answer: tls", "NO DATA")
	}
	m.Update(reading(shop(2), ""))
	lacks(t, m, "NO DATA", "does not answer: tls: first record does not look like a TLS handshake (")
}

// TestFrozenDisplay checks that a frozen display does not change, says that it is frozen, and becomes stale.
func TestFrozenDisplay(t *testing.T) {
	m := watching(100, 30)
	press(m, "6", "space")
	before := m.listing(m.data()).keys
	m.Update(reading(shop(20), "")) // the clock went back, replicas came back
	m.Update(failed(63, "redis is gone"))
	if after := m.listing(m.data()).keys; !slices.Equal(before, after) {
		t.Errorf("the display is frozen, but %q became %q", before, after)
	}
	has(t, m, "FROZEN: the data of 03:05:05 UTC")
	press(m, "2", "j", "enter")
	has(t, m, "BUCKET spotify", "FROZEN")
	at(m, 90)
	has(t, m, "STALE 30s", "FROZEN")
	press(m, "space")
	lacks(t, m, "FROZEN")
	has(t, m, "redis is gone")
}
