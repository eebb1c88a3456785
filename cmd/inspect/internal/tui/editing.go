package tui

import (
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// longestLine is how many bytes are taken.
const longestLine = 200

func edit(m *model, _ string) tea.Cmd {
	if m.screen == redisScreen {
		m.notice = "there is nothing to filter here"
		return nil
	}
	m.help, m.detail, m.offset = false, "", 0
	m.former, m.editing, m.input, m.inputBad = m.filter(), true, m.filter().String(), ""
	return nil
}

// typed is a key while a filter is typed. The rows follow each key, as long as what stands there is a filter.
func (m *model) typed(key, text string) {
	switch key {
	case "enter":
		m.editing = false
		return
	case "esc":
		m.editing = false
		m.filters[m.screen.filtered()] = m.former
		return
	default:
		m.line(key, text)
		m.apply()
	}
}

// line is a key on the line that is being typed: a filter, or a name.
func (m *model) line(key, text string) {
	switch key {
	case "backspace":
		_, size := utf8.DecodeLastRuneInString(m.input)
		m.input = m.input[:len(m.input)-size]
	case "ctrl+u":
		m.input = ""
	default:
		m.insert(text)
	}
}

// insert adds what was typed or pasted, without anything that a terminal would not print in its place.
func (m *model) insert(text string) {
	clean := strings.Map(func(r rune) rune {
		if report.Clean(string(r)) != string(r) {
			return -1
		}
		return r
	}, text)
	if len(m.input)+len(clean) <= longestLine {
		m.input += clean
	}
}

func (m *model) apply() {
	f, err := report.ParseFilter(m.input)
	m.inputBad = ""
	if err != nil {
		m.inputBad = report.Clean(err.Error())
		return
	}
	m.filters[m.screen.filtered()] = f
}
