package lint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// parseJSON reads JSON and keeps where everything stands.
func parseJSON(file string, data []byte) (*value, error) {
	p := &jsonParser{dec: json.NewDecoder(bytes.NewReader(data)), data: data, file: file, line: 1}
	p.dec.UseNumber()
	v, err := p.value()
	if err != nil {
		return nil, unreadable(file, err)
	}
	return v, nil
}

type jsonParser struct {
	dec  *json.Decoder
	data []byte
	file string
	// at and line are how far lines have been counted, lineStart where the last
	// of them began.
	at, line, lineStart int
}

// here is the place of the token that comes next.
func (p *jsonParser) here() Place {
	end := int(p.dec.InputOffset())
	for end < len(p.data) && bytes.IndexByte([]byte(" \t\r\n,:"), p.data[end]) >= 0 {
		end++
	}
	for ; p.at < end; p.at++ {
		if p.data[p.at] == '\n' {
			p.line, p.lineStart = p.line+1, p.at+1
		}
	}
	return Place{p.file, p.line, utf8.RuneCount(p.data[p.lineStart:end]) + 1}
}

func (p *jsonParser) value() (*value, error) {
	v := &value{at: p.here()}
	token, err := p.dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return v, p.object(v)
		}
		return v, p.array(v)
	case nil:
	default:
		v.kind, v.text = scalar, fmt.Sprint(t)
	}
	return v, nil
}

func (p *jsonParser) object(v *value) error {
	v.kind = mapping
	for p.dec.More() {
		at := p.here()
		key, err := p.dec.Token()
		if err != nil {
			return err
		}
		inner, err := p.value()
		if err != nil {
			return err
		}
		v.entries = append(v.entries, entry{key: fmt.Sprint(key), at: at, in: v, value: inner})
	}
	_, err := p.dec.Token()
	return err
}

func (p *jsonParser) array(v *value) error {
	v.kind = list
	for p.dec.More() {
		item, err := p.value()
		if err != nil {
			return err
		}
		v.items = append(v.items, item)
	}
	_, err := p.dec.Token()
	return err
}
