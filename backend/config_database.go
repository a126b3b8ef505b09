package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// resolveDatabase reads the addresses that stand elsewhere, because they hold passwords.
func (c *config) resolveDatabase() error {
	for key, value := range map[string]*string{"database": &c.Database, "bus": &c.Bus} {
		read, err := c.lookUp(*value)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		*value = read
	}
	token, err := c.lookUp(c.Metrics)
	if err != nil {
		return fmt.Errorf("metrics_token: %w", err)
	}
	c.Metrics = token
	return nil
}

// databaseAddress is what the store opens.
func (c *config) databaseAddress() string {
	if path, ok := strings.CutPrefix(c.Database, sqliteScheme); ok {
		return sqliteScheme + c.at(path)
	}
	return c.Database
}

// databaseFile returns the path of the SQLite file, or "" if the books are on a server.
func (c *config) databaseFile() string {
	file, ok := strings.CutPrefix(c.databaseAddress(), sqliteScheme)
	if !ok {
		return ""
	}
	return file
}

// dataFolder is where files of a moment are kept, such as a bill that is being read.
func (c *config) dataFolder() string {
	if file := c.databaseFile(); file != "" {
		return filepath.Dir(file)
	}
	return c.dir
}

func (c *config) checkDatabase() error {
	path, onSQLite := strings.CutPrefix(c.Database, sqliteScheme)
	switch {
	case !onSQLite && !onPostgres(c.Database), onSQLite && path == "":
		return errors.New("database must be \"sqlite:PATH\" or \"postgres://USER:PASSWORD@HOST/NAME\"")
	case c.Bus != "" && onSQLite:
		return errors.New("bus is for several servers, which need a postgres:// database: SQLite serves one")
	}
	return nil
}

func onPostgres(address string) bool {
	return strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://")
}
