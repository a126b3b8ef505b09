package main

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// minified returns a script or a style sheet without what only people need. Its syntax stays as new as it was
// written: browsers that do not know it do not know WebAssembly and custom elements either.
func minified(name string, contents []byte) ([]byte, error) {
	loaders := map[string]api.Loader{".js": api.LoaderJS, ".css": api.LoaderCSS}
	loader, ok := loaders[filepath.Ext(name)]
	if !ok {
		return contents, nil
	}
	result := api.Transform(string(contents), api.TransformOptions{
		Loader:            loader,
		Sourcefile:        name,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		Charset:           api.CharsetUTF8, // Chinese costs three bytes a character, \u escapes six
		LegalComments:     api.LegalCommentsNone,
	})
	if complaints := append(result.Errors, result.Warnings...); len(complaints) > 0 {
		text := api.FormatMessages(complaints, api.FormatMessagesOptions{Kind: api.ErrorMessage})
		return nil, errors.New(strings.Join(text, ""))
	}
	return []byte(strings.TrimSpace(string(result.Code))), nil
}
