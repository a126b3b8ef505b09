package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

//go:embed schema/*.sql
var schema embed.FS

// migrations are the steps of the schema. Servers of the version before go on working on a database that has taken the next
// step already, and may start on it: goose leaves alone what it does not know. What a step may do for that, a test says.
func migrations() fs.FS {
	folder, err := fs.Sub(schema, "schema")
	if err != nil {
		panic(err) // the name is no valid one
	}
	return folder
}

// migrate takes the steps that the database has not taken yet. Others must be kept from doing so at once.
func migrate(ctx context.Context, dialect goose.Dialect, db *sql.DB, steps fs.FS, options ...goose.ProviderOption) error {
	p, err := goose.NewProvider(dialect, db, steps, options...)
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}
