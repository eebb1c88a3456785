package tui

import "github.com/charmbracelet/x/ansi"

// kind is the meaning of a text. It decides the look.
type kind int

const (
	plain  kind = iota
	strong      // titles
	faint       // least important, or outdated
	chosen      // the row of the cursor
	good        // works
	info        // waits, as intended
	odd         // deserves a look
	bad         // needs an operator
	alarm       // the data on the screen is old or missing
)

// paint gives a text the look of its kind. It uses the sixteen colours of the terminal, which follow the theme of its user. Bubble Tea drops colours
// if NO_COLOR is set.
func paint(k kind, text string) string {
	if text == "" {
		return ""
	}
	var s ansi.Style
	switch k {
	case strong:
		s = s.Bold()
	case faint:
		s = s.Faint()
	case chosen:
		s = s.Reverse(true)
	case good:
		s = s.ForegroundColor(ansi.Green)
	case info:
		s = s.ForegroundColor(ansi.Cyan)
	case odd:
		s = s.ForegroundColor(ansi.Yellow)
	case bad:
		s = s.Bold().ForegroundColor(ansi.Red)
	case alarm:
		s = s.Bold().Reverse(true).ForegroundColor(ansi.Red)
	default:
		return text
	}
	return s.Styled(text)
}
