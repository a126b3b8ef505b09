package wechatsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A kind is the type of a field in the documentation's tables.
type kind int

const (
	text   kind = iota // string(n): n characters, not bytes
	whole              // int
	flag               // boolean
	object             // with fields of its own
	list               // of objects
)

// A field is one line of a request table. Everything that is not in the table is refused.
type field struct {
	name     string
	kind     kind
	required bool
	min, max int64                     // characters of a text, elements of a list, value of a whole; max 0: no bound
	form     func(value string) string // of a text: "" when good, otherwise the issue
	size     int                       // bytes of a text, or of an object as compact JSON; 0: no bound
	fields   []field                   // of an object, or of each element of a list
}

const (
	issueUndefined = "请求中含有未在API文档中定义的参数"
	issueMissing   = "缺少必填参数"
	issueNull      = "不允许使用null"
	issueWide      = "只支持1到3字节的UTF-8字符"
)

// decode reads a JSON body strictly by a table into dst, and gives its parameters in one canonical form: two bodies
// with the same parameters have the same form, whatever their order and white space.
func decode(body []byte, table []field, dst any) (string, error) {
	if !utf8.Valid(body) {
		return "", invalidRequest("请求报文不是UTF-8编码")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return "", invalidRequest("请求报文不是合法的JSON")
	}
	if _, err := d.Token(); err != io.EOF {
		return "", invalidRequest("JSON之后有多余的内容")
	}
	members, ok := tree.(map[string]any)
	if !ok {
		return "", invalidRequest("请求报文不是JSON对象")
	}
	if err := checkMembers("", table, members); err != nil {
		return "", err
	}
	if err := json.Unmarshal(body, dst); err != nil {
		return "", fmt.Errorf("decode a checked body: %w", err)
	}
	return string(encode(members)), nil // encoding/json sorts the keys of a map
}

// refuseField is a PARAM_ERROR about a place in the body.
func refuseField(number int, at string, value any, issue string) error {
	return wrongParameter(number, detail{Field: at, Value: value, Issue: issue, Location: "body"})
}

func checkMembers(at string, table []field, members map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(members)) {
		known := slices.ContainsFunc(table, func(f field) bool { return f.name == name })
		if !known {
			return refuseField(numberUndefined, at+"/"+name, members[name], issueUndefined)
		}
	}
	for _, f := range table {
		value, sent := members[f.name]
		if !sent {
			if f.required {
				return refuseField(numberParameter, at+"/"+f.name, nil, issueMissing)
			}
			continue
		}
		if err := f.check(at+"/"+f.name, value); err != nil {
			return err
		}
	}
	return nil
}

func (f field) check(at string, value any) error {
	if value == nil {
		return refuseField(numberParameter, at, nil, issueNull)
	}
	switch v := value.(type) {
	case string:
		if f.kind == text {
			return f.checkText(at, v)
		}
	case json.Number:
		if f.kind == whole {
			return f.checkWhole(at, v)
		}
	case bool:
		if f.kind == flag {
			return nil
		}
	case map[string]any:
		if f.kind == object {
			return f.checkObject(at, v)
		}
	case []any:
		if f.kind == list {
			return f.checkList(at, v)
		}
	}
	return refuseField(numberParameter, at, value, "类型错误")
}

func (f field) checkText(at, value string) error {
	for _, r := range value {
		if r > 0xFFFF { // four bytes in UTF-8: emoji and rare characters
			return refuseField(numberParameter, at, value, issueWide)
		}
	}
	length := int64(utf8.RuneCountInString(value))
	switch {
	case length < f.min || f.required && length == 0:
		return refuseField(numberOutOfRange, at, value, fmt.Sprintf("长度小于最小值 %d", max(f.min, 1)))
	case f.max > 0 && length > f.max:
		return refuseField(numberOutOfRange, at, value, fmt.Sprintf("长度大于最大值 %d", f.max))
	case f.size > 0 && len(value) > f.size:
		return refuseField(numberOutOfRange, at, value, fmt.Sprintf("长度大于最大值 %d 字节", f.size))
	}
	if f.form != nil {
		if issue := f.form(value); issue != "" {
			return refuseField(numberParameter, at, value, issue)
		}
	}
	return nil
}

// oneOf is the form of a text that has few values.
func oneOf(values ...string) func(string) string {
	return func(value string) string {
		if !slices.Contains(values, value) {
			return "只能是 " + strings.Join(values, "、")
		}
		return ""
	}
}

func (f field) checkWhole(at string, value json.Number) error {
	n, err := strconv.ParseInt(value.String(), 10, 64)
	switch {
	case err != nil:
		return refuseField(numberParameter, at, value, "不是整数")
	case n < f.min:
		return refuseField(numberOutOfRange, at, value, fmt.Sprintf("值低于最小值 %d", f.min))
	case f.max > 0 && n > f.max:
		return refuseField(numberOutOfRange, at, value, fmt.Sprintf("值高于最大值 %d", f.max))
	}
	return nil
}

func (f field) checkObject(at string, value map[string]any) error {
	if f.size > 0 && len(encode(value)) > f.size {
		return refuseField(numberOutOfRange, at, nil, fmt.Sprintf("长度大于最大值 %d 字节", f.size))
	}
	return checkMembers(at, f.fields, value)
}

func (f field) checkList(at string, value []any) error {
	if int64(len(value)) < f.min {
		return refuseField(numberOutOfRange, at, value, fmt.Sprintf("元素个数小于最小值 %d", f.min))
	}
	element := field{kind: object, fields: f.fields}
	for i, v := range value {
		if err := element.check(fmt.Sprintf("%s/%d", at, i), v); err != nil {
			return err
		}
	}
	return nil
}
