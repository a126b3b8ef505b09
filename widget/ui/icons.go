package ui

import (
	"saoma/backend/wire"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// The icons, drawn in lines on a field of 24 by 24.
const (
	lockPath       = "M7 11V8a5 5 0 0 1 10 0v3M6 11h12v9H6z"
	viewfinderPath = "M4 8V5a1 1 0 0 1 1-1h3M16 4h3a1 1 0 0 1 1 1v3" +
		"M20 16v3a1 1 0 0 1-1 1h-3M8 20H5a1 1 0 0 1-1-1v-3M4 12h16"
	tickPath   = "M6 12.5l4.2 4.2L18 8.5"
	clockPath  = "M12 5.5V12l4.2 2.6"
	crossPath  = "M8 8l8 8M16 8l-8 8"
	returnPath = "M9.5 6l-4 4 4 4M6 10h8.5a4 4 0 0 1 0 8H11"
)

func icon(class, path string) app.UI {
	return app.Elem("svg").XMLNS(svgNamespace).Class("icon "+class).Attr("viewBox", "0 0 24 24").
		Attr("width", "24").Attr("height", "24").Attr("aria-hidden", attr("true")).
		Body(app.Elem("path").XMLNS(svgNamespace).Attr("d", path))
}

// mark is the large sign of an outcome: its shape says as much as its colour.
func mark(s wire.Status) app.UI {
	switch s {
	case wire.StatusPaid:
		return icon("tick", tickPath)
	case wire.StatusRefunded:
		return icon("return", returnPath)
	case wire.StatusExpired:
		return icon("clock", clockPath)
	default:
		return icon("cross", crossPath)
	}
}
