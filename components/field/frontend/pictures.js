// The pictures of a message: decoded once, let go with the message.

export class Pictures {
  constructor() {
    this.seen = [];
    this.originals = [];
  }

  /** Decode what `message` brings; `ready(row)` after each, `done()` after all. */
  async load(message, ready, done) {
    this.drop();
    const { previews, originals } = message.header;
    const seen = previews.map(() => null);
    this.seen = seen;
    this.originals = originals.map((jpeg) => URL.createObjectURL(message.jpeg(jpeg)));
    await Promise.all(
      previews.map(async (preview, row) => {
        const bitmap = await createImageBitmap(message.jpeg(preview));
        if (this.seen !== seen) return bitmap.close(); // another message came meanwhile
        seen[row] = bitmap;
        ready(row);
      }),
    );
    if (this.seen === seen) done();
  }

  drop() {
    for (const bitmap of this.seen) bitmap?.close();
    for (const url of this.originals) URL.revokeObjectURL(url);
    this.seen = [];
    this.originals = [];
  }
}
