// Letters and words on every panel: L and R, the view's name.

/** One overlay element a label. Panels: {left, top, width, label: {left, right, words}}. */
export function showLabels(holder, panels) {
  const width = holder.clientWidth;
  holder.replaceChildren(
    ...labelTexts(panels).map(({ side, words, x, y, isRight }) => {
      const node = document.createElement("span");
      const letter = document.createElement("b");
      letter.textContent = side;
      node.append(letter, words);
      node.style.top = `${y - 22}px`;
      if (isRight) node.style.right = `${width - x - 9}px`;
      else node.style.left = `${x - 9}px`;
      return node;
    }),
  );
}

/** Where each label stands on the stage: {side, words, x, y (baseline), isRight}. */
export function labelTexts(panels) {
  return panels.flatMap((panel) => {
    const { left, right, words } = panel.label;
    const y = panel.top + 22;
    const texts = [{ side: left, words, x: panel.left + 9, y, isRight: false }];
    if (right) texts.push({ side: right, words: "", x: panel.left + panel.width - 9, y, isRight: true });
    return texts;
  });
}
