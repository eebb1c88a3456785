package cli

import (
	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"
)

// Table returns an empty table with these headers. The first column is aligned to the left, the others to the right.
func Table(headers ...string) *table.Table {
	return table.New().Border(lipgloss.RoundedBorder()).Headers(headers...).StyleFunc(func(row, col int) lipgloss.Style {
		style := lipgloss.NewStyle().Padding(0, 1)
		if row == table.HeaderRow {
			return style.Bold(true)
		}
		if col > 0 {
			return style.Align(lipgloss.Right)
		}
		return style
	})
}
