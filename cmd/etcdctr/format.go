package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

const (
	formatTable = "table"
	formatJSON  = "json"
)

// addFormatFlag adds --format table|json, the same on every command whose
// result a script would read.
func addFormatFlag(cmd *cobra.Command, format *string) {
	*format = formatTable
	cmd.Flags().Var(&choice{value: format, of: []string{formatTable, formatJSON}}, "format",
		"how the result looks: table or json")
}

// choice is a flag whose value is one of a few words.
type choice struct {
	value *string
	of    []string
}

func (c *choice) String() string {
	if c.value == nil {
		return ""
	}
	return *c.value
}

func (c *choice) Set(s string) error {
	for _, o := range c.of {
		if s == o {
			*c.value = s
			return nil
		}
	}
	return fmt.Errorf("must be one of %v", c.of)
}

// Type is what the help shows as the value.
func (c *choice) Type() string { return strings.Join(c.of, "|") }
