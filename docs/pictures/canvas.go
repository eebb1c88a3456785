package main

import (
	"fmt"
	"html"
	"strings"
)

// em is the highest mean width of the letters of a text, as a part of the font size. Fonts differ from machine to machine.
const em = 0.6

// canvas is a picture that is being drawn. Later parts are in front of earlier ones.
type canvas struct {
	title, about  string
	width, height float64
	body          strings.Builder
	boxes         []area // with an edge, which no text may cross
	texts         []area
	bars          []area // of charts
}

// area is a rectangle of a picture, and what it contains.
type area struct {
	x, y, w, h float64
	text       string
	size       float64 // of the font
}

// point is a place on the canvas, in pixels from the top left.
type point struct{ x, y float64 }

// width is the width of all pictures, for which a README has room.
const width = 800

func newCanvas(height float64, title, about string) *canvas {
	c := &canvas{title: title, about: about, width: width, height: height}
	fmt.Fprintf(&c.body, "<rect class=\"panel\" width=\"%d\" height=\"%g\" rx=\"8\"/>\n", width, height)
	return c
}

// box draws a rectangle with an edge.
func (c *canvas) box(fill string, x, y, w, h float64) {
	c.boxes = append(c.boxes, area{x: x, y: y, w: w, h: h})
	fmt.Fprintf(&c.body, "<rect class=\"%s\" x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\" rx=\"6\"/><rect class=\"quiet-line\" x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\" rx=\"6\"/>\n",
		fill, x, y, w, h, x, y, w, h)
}

// bar draws a bar of a chart, if it has a height.
func (c *canvas) bar(class string, x, y, w, h float64) {
	if h > 0 {
		c.bars = append(c.bars, area{x: x, y: y, w: w, h: h})
		c.fill(class, x, y, w, h)
	}
}

// fill draws a rectangle without an edge.
func (c *canvas) fill(class string, x, y, w, h float64) {
	fmt.Fprintf(&c.body, "<rect class=\"%s\" x=\"%.4g\" y=\"%.4g\" width=\"%.4g\" height=\"%.4g\"/>\n", class, x, y, w, h)
}

// The side of its point on which a text is.
const (
	begins = "start"
	middle = "middle"
	ends   = "end"
)

// text writes a line whose base is at y.
func (c *canvas) text(class, anchor string, size, x, y float64, text string) {
	w := em * size * float64(len([]rune(text)))
	left := map[string]float64{begins: x, middle: x - w/2, ends: x - w}[anchor]
	c.texts = append(c.texts, area{left, y - 0.8*size, w, size, text, size})
	fmt.Fprintf(&c.body, "<text class=\"%s\" x=\"%g\" y=\"%g\" font-size=\"%g\" text-anchor=\"%s\">%s</text>\n", class, x, y, size, anchor, html.EscapeString(text))
}

// part draws a box with a name, and with lines below the name.
func (c *canvas) part(x, y, w, h float64, name string, lines ...string) {
	c.box("box", x, y, w, h)
	top := y + (h-17*float64(len(lines)))/2 + 5
	c.text("ink bold", middle, 15, x+w/2, top, name)
	for i, line := range lines {
		c.text("quiet", middle, 12, x+w/2, top+17*float64(i+1), line)
	}
}

// line draws a line through points.
func (c *canvas) line(class string, points ...point) {
	fmt.Fprintf(&c.body, "<path class=\"%s\" stroke-width=\"1.5\" d=\"%s\"/>\n", class, path(points))
}

// arrow draws a line through points that ends in a tip, in the colour of an ink.
func (c *canvas) arrow(ink string, points ...point) {
	end, before := points[len(points)-1], points[len(points)-2]
	dx, dy := sign(end.x-before.x), sign(end.y-before.y)
	const long, wide = 9, 4.5
	points[len(points)-1] = point{end.x - long*dx, end.y - long*dy}
	c.line(ink+"-line", points...)
	base := points[len(points)-1]
	fmt.Fprintf(&c.body, "<path class=\"%s\" d=\"%sZ\"/>\n", ink, path([]point{end, {base.x + wide*dy, base.y + wide*dx}, {base.x - wide*dy, base.y - wide*dx}}))
}

func sign(v float64) float64 {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}

func path(points []point) string {
	var b strings.Builder
	for i, p := range points {
		fmt.Fprintf(&b, "%c%g %g", "ML"[min(i, 1)], p.x, p.y)
	}
	return b.String()
}

// svg returns the content of the file.
func (c *canvas) svg() string {
	return fmt.Sprintf("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %g %g\" width=\"%g\" height=\"%g\" role=\"img\" aria-labelledby=\"title about\">\n"+
		"<title id=\"title\">%s</title>\n<desc id=\"about\">%s</desc>\n<style>\n%s\n</style>\n%s</svg>\n",
		c.width, c.height, c.width, c.height, html.EscapeString(c.title), html.EscapeString(c.about), style(), c.body.String())
}
