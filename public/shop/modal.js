// The modal's button needs no script. This one listens, because events bubble up to the document.
document.addEventListener('paid', ({ detail }) => {
  const done = document.getElementById('done');
  done.textContent = `已付款，马上就好。 Paid, it will be ready in a minute. (${detail.orderId})`;
});
