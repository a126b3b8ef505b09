package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"saoma/backend/pay"
)

const selectProduct = `SELECT merchant, sku, name, price, stock, picture, off, version,
	COALESCE((SELECT CAST(SUM(quantity) AS BIGINT) FROM reservations AS r WHERE r.merchant = products.merchant AND r.sku = products.sku), 0)
	FROM products `

func (t tx) Product(ctx context.Context, m pay.MerchantID, sku string) (pay.Product, error) {
	p, err := scanProduct(t.QueryRowContext(ctx, selectProduct+`WHERE merchant = $1 AND sku = $2`+t.locks, m, sku))
	if err != nil {
		return pay.Product{}, noRow("product", err)
	}
	return p, nil
}

func (t tx) Products(ctx context.Context, f pay.ProductFilter) ([]pay.Product, error) {
	where, args := []string{"merchant = $1", "sku > $2"}, []any{f.Merchant, f.After}
	if f.On {
		where = append(where, "NOT off")
	}
	if f.Off {
		where = append(where, "off")
	}
	if f.SoldOut {
		where = append(where, "stock <= 0")
	}
	if f.Search != "" {
		args = append(args, "%"+likeEscaper.Replace(strings.ToLower(f.Search))+"%")
		where = append(where, fmt.Sprintf(`(lower(name) LIKE $%d ESCAPE '\' OR lower(sku) LIKE $%d ESCAPE '\')`, len(args), len(args)))
	}
	args = append(args, f.Limit)
	rows, err := t.QueryContext(ctx, selectProduct+"WHERE "+strings.Join(where, " AND ")+
		fmt.Sprintf(" ORDER BY sku LIMIT $%d", len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("list products: %w", err)
	}
	list, err := collect(rows, scanProduct)
	if err != nil {
		return nil, fmt.Errorf("list products: %w", err)
	}
	return list, nil
}

// likeEscaper takes the meaning from what LIKE reads as a pattern.
var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func (t tx) PutProduct(ctx context.Context, p pay.Product) error {
	stock := sql.NullInt64{Int64: p.Stock, Valid: p.Limited}
	err := t.change(ctx, "put product "+p.SKU, `INSERT INTO products (merchant, sku, name, price, stock, picture, off, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 1)
		ON CONFLICT (merchant, sku) DO UPDATE SET name = excluded.name, price = excluded.price, stock = excluded.stock,
			picture = excluded.picture, off = excluded.off, version = products.version + 1`,
		p.Merchant, p.SKU, p.Name, p.Price, stock, p.Picture, p.Off)
	if err != nil || p.Limited {
		return err
	}
	return t.forgetReservations(ctx, p.Merchant, p.SKU)
}

func (t tx) DeleteProduct(ctx context.Context, m pay.MerchantID, sku string) error {
	var gone string
	err := t.QueryRowContext(ctx, `DELETE FROM products WHERE merchant = $1 AND sku = $2 RETURNING sku`, m, sku).Scan(&gone)
	if err != nil {
		return noRow("delete a product", err)
	}
	return t.forgetReservations(ctx, m, sku)
}

func (t tx) forgetReservations(ctx context.Context, m pay.MerchantID, sku string) error {
	if _, err := t.ExecContext(ctx, `DELETE FROM reservations WHERE merchant = $1 AND sku = $2`, m, sku); err != nil {
		return fmt.Errorf("forget what is reserved of %s: %w", sku, err)
	}
	return nil
}

func scanProduct(row scanner) (p pay.Product, err error) {
	var stock sql.NullInt64
	err = row.Scan(&p.Merchant, &p.SKU, &p.Name, &p.Price, &stock, &p.Picture, &p.Off, &p.Version, &p.Reserved)
	p.Limited, p.Stock = stock.Valid, stock.Int64
	return p, err
}
