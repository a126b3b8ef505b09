package pay

import (
	"errors"
	"strings"
)

// A Code says what a caller should do about an error. It is also the code of the HTTP problem.
type Code string

// The codes.
const (
	Invalid      Code = "invalid_request"    // mend the fields named
	Unauthorized Code = "unauthorized"       // nobody has this key
	NotFound     Code = "not_found"          // nothing of that name for this caller
	Conflict     Code = "conflict"           // the order is in a state that forbids it
	Busy         Code = "busy"               // under way; ask again in some seconds
	Unavailable  Code = "wechat_pay_trouble" // WeChat Pay gave no usable answer; ask again
	Declined     Code = "wechat_pay_refused" // WeChat Pay refuses such requests: an operator must look
	KeyReused    Code = "idempotency_key_reused"
	SoldOut      Code = "out_of_stock"          // the fields named are of lines of which there is too little
	Stale        Code = "changed_meanwhile"     // read it again, and then change it
	Disagreement Code = "notice_does_not_match" // a verified notice differs from our books
	Overloaded   Code = "overloaded"            // more than can be done at once; ask again in some seconds
)

// An Error is a refusal that the caller may be told. Everything else is internal.
type Error struct {
	Code    Code
	Message string  // for the caller: one sentence, no secrets
	Fields  []Field // with Invalid and SoldOut
	Err     error   // for the log
}

// A Field is a part of a request that must be mended.
type Field struct {
	Name    string // as the caller wrote it, for example items[2].quantity
	Message string // what is allowed
}

func (e *Error) Error() string {
	text := string(e.Code) + ": " + e.Message
	for _, f := range e.Fields {
		text += "; " + f.Name + " " + f.Message
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the code of the first [*Error] in err's chain, or "" if there is none.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

// outcomeOf returns what a failed call to the gateway left behind. Anything it does not recognise may have
// been done.
func outcomeOf(err error) Outcome {
	if e, ok := errors.AsType[*GatewayError](err); ok {
		return e.Outcome
	}
	return Unsure
}

// fields collects what is wrong with a request, so that the caller hears of everything at once.
type fields []Field

func (f *fields) add(name, message string) { *f = append(*f, Field{name, message}) }

func (f fields) err() error {
	if len(f) == 0 {
		return nil
	}
	names := make([]string, len(f))
	for i, field := range f {
		names[i] = field.Name
	}
	return &Error{Code: Invalid, Message: "mend " + strings.Join(names, ", "), Fields: f}
}
