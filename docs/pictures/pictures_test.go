package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

// drawn draws each picture and calls check with it.
func drawn(t *testing.T, check func(t *testing.T, name string, c *canvas)) {
	t.Helper()
	for _, p := range pictures() {
		t.Run(p.name, func(t *testing.T) {
			c, err := p.draw(".")
			if err != nil {
				t.Fatal(err)
			}
			check(t, p.name, c)
		})
	}
}

// TestPicturesAreWhatTheCommandDraws: the committed files are equal to what the command draws.
func TestPicturesAreWhatTheCommandDraws(t *testing.T) {
	drawn(t, func(t *testing.T, name string, c *canvas) {
		t.Helper()
		is, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if string(is) != c.svg() {
			t.Error("the committed file differs from what the command draws: run go run ./docs/pictures")
		}
	})
}

// TestPicturesAreSound: each picture is XML, and has a title and a description for readers who cannot see it.
func TestPicturesAreSound(t *testing.T) {
	drawn(t, func(t *testing.T, _ string, c *canvas) {
		t.Helper()
		for in := xml.NewDecoder(strings.NewReader(c.svg())); ; {
			if _, err := in.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if c.width != width || len(c.title) < 10 || len(c.about) < 80 || !strings.Contains(c.svg(), `role="img"`) {
			t.Errorf("width %g, title %q, description %q", c.width, c.title, c.about)
		}
	})
}

// TestTextsHaveRoom: no text is too small, overlaps another text, an edge or a bar, or leaves the picture.
func TestTextsHaveRoom(t *testing.T) {
	drawn(t, func(t *testing.T, _ string, c *canvas) {
		t.Helper()
		if len(c.texts) < 10 {
			t.Errorf("%d texts", len(c.texts))
		}
		for i, a := range c.texts {
			if a.size < 12 {
				t.Errorf("%q has a font of %g px: want 12 or more", a.text, a.size)
			}
			if all := (area{w: c.width, h: c.height}); !a.within(all) {
				t.Errorf("%q leaves the picture", a.text)
			}
			for _, b := range c.texts[:i] {
				if a.meets(b) {
					t.Errorf("%q overlaps %q", a.text, b.text)
				}
			}
			for _, b := range c.boxes {
				if a.meets(b) && !a.within(b) {
					t.Errorf("%q overlaps the edge of the box at %g, %g", a.text, b.x, b.y)
				}
			}
			for _, b := range c.bars {
				if a.meets(b) {
					t.Errorf("%q overlaps the bar at %g, %g", a.text, b.x, b.y)
				}
			}
		}
	})
}

func (a area) meets(b area) bool {
	const touch = 0.1 // is no overlap
	return a.x+a.w > b.x+touch && b.x+b.w > a.x+touch && a.y+a.h > b.y+touch && b.y+b.h > a.y+touch
}

func (a area) within(b area) bool {
	return a.x >= b.x && a.y >= b.y && a.x+a.w <= b.x+b.w && a.y+a.h <= b.y+b.h
}

// TestContrast: each ink can be read on each fill, on light and on dark pages. WCAG 2.2 asks for 4.5 to 1 (success criterion 1.4.3).
func TestContrast(t *testing.T) {
	for _, ink := range inks() {
		for _, fill := range fills() {
			light, dark := contrast(t, ink.light, fill.light), contrast(t, ink.dark, fill.dark)
			t.Logf("%-6s on %-6s light %5.2f, dark %5.2f", ink.class, fill.class, light, dark)
			if min(light, dark) < 4.5 {
				t.Errorf("%s on %s: light %.2f, dark %.2f, want 4.5 or more", ink.class, fill.class, light, dark)
			}
		}
	}
}

// contrast returns the contrast ratio of two colours by WCAG 2.2.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	brighter, darker := luminance(t, a), luminance(t, b)
	if darker > brighter {
		brighter, darker = darker, brighter
	}
	return (brighter + 0.05) / (darker + 0.05)
}

// luminance returns the relative luminance of an sRGB colour by WCAG 2.2.
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	rgb, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for i, weight := range []float64{0.0722, 0.7152, 0.2126} { // blue, green, red
		v := float64(rgb>>(8*i)&0xff) / 0xff
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		sum += weight * v
	}
	return sum
}
