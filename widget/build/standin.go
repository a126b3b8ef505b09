package main

// appStandIn is all that the client half of go-app needs of the server half. Our page names its files itself.
const appStandIn = `package app

func clientResourceResolver(string) func(string) string {
	return func(location string) string { return location }
}
`

// regexpStandIn matches the one kind of pattern that our routes have. Any other stops the program at once.
const regexpStandIn = `package regexp

import "strings"

type Regexp struct{ prefix string }

func MustCompile(pattern string) *Regexp {
	prefix, ok := strings.CutPrefix(pattern, "^")
	if !ok || strings.ContainsAny(prefix, "\\.+*?()|[]{}^$") {
		panic("the program for the browser knows routes like ^/path/ only, not " + pattern)
	}
	return &Regexp{prefix}
}

func (r *Regexp) MatchString(s string) bool { return strings.HasPrefix(s, r.prefix) }
`

// pngStandIn makes no pictures; nothing asks for any.
const pngStandIn = `package png

import (
	"errors"
	"image"
	"io"
)

type CompressionLevel int

const BestCompression CompressionLevel = iota

type Encoder struct{ CompressionLevel CompressionLevel }

func (Encoder) Encode(io.Writer, image.Image) error {
	return errors.New("the program for the browser makes no PNG")
}
`
