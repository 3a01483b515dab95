"""Fonts and the style sheet of a palette.

Called by   ``hmi.app`` once and the views (fonts, the palette in force).
Knows       Qt and the palette. The theme in force belongs to the application object, not to this module.
"""

from functools import lru_cache
from pathlib import Path

from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

from .palette import LIGHT, PALETTES, Palette

_ARROW = (Path(__file__).parent / "down.svg").as_posix()
FAMILIES = ("Inter", "Segoe UI", "Helvetica Neue", "Noto Sans", "DejaVu Sans")


def apply(app: QApplication, name: str) -> Palette:
    """Give the whole application a theme; returns its palette."""
    palette = PALETTES.get(name, LIGHT)
    app.setStyle("Fusion")
    app.setFont(font(12))
    colours = QPalette()
    for role, colour in (
        (QPalette.ColorRole.Window, palette.background),
        (QPalette.ColorRole.Base, palette.raised),
        (QPalette.ColorRole.AlternateBase, palette.panel),
        (QPalette.ColorRole.Button, palette.panel),
        (QPalette.ColorRole.WindowText, palette.text),
        (QPalette.ColorRole.Text, palette.text),
        (QPalette.ColorRole.ButtonText, palette.text),
        (QPalette.ColorRole.ToolTipBase, palette.raised),
        (QPalette.ColorRole.ToolTipText, palette.text),
        (QPalette.ColorRole.Highlight, palette.focus),
        (QPalette.ColorRole.PlaceholderText, palette.dim),
    ):
        colours.setColor(role, QColor(colour))
    app.setPalette(colours)
    app.setProperty("dcsTheme", palette.name)
    app.setStyleSheet(sheet(palette))
    return palette


def in_force() -> Palette:
    """The palette of the running application (light before ``apply``)."""
    app = QApplication.instance()
    return PALETTES.get(str(app.property("dcsTheme")) if app else "", LIGHT)


def font(pixels: int, *, bold: bool = False) -> QFont:
    """The station's face in a size in pixels, so that drawings and widgets line up on every screen."""
    chosen = QFont()
    chosen.setFamilies(_families())
    chosen.setPixelSize(pixels)
    chosen.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    return chosen


@lru_cache(maxsize=1)
def _families() -> list[str]:
    """Which of our faces this machine has; asked once, because painting asks for a font hundreds of times a second."""
    available = set(QFontDatabase.families())
    return [family for family in FAMILIES if family in available] or ["sans-serif"]


def sheet(p: Palette) -> str:
    """The Qt style sheet: flat, square, one-pixel edges."""
    return f"""
    QWidget {{ color: {p.text}; }}
    QMainWindow, QDialog {{ background: {p.background}; }}
    QToolTip {{ background: {p.raised}; color: {p.text}; border: 1px solid {p.outline}; padding: 3px; }}
    #TopBar, #MessageLine {{ background: {p.panel}; }}
    #TopBar {{ border-bottom: 1px solid {p.edge}; }}
    #MessageLine {{ border-top: 1px solid {p.edge}; }}
    #Banner {{ background: {p.raised}; border-bottom: 1px solid {p.edge}; }}
    #StoryBar {{ background: {p.panel}; border-bottom: 1px solid {p.edge}; }}
    #StoryBar QPushButton:checked {{ font-weight: 400; border: 2px solid {p.text}; padding: 2px 8px; }}
    #Navigation, #Faceplate {{ background: {p.panel}; }}
    #Navigation {{ border-right: 1px solid {p.edge}; }}
    #FaceplateDock {{ background: {p.panel}; border-left: 1px solid {p.edge}; }}
    #Page {{ background: {p.background}; }}
    #PageTitle {{ font-size: 15px; font-weight: 600; }}
    #Sheet {{ background: transparent; }}
    #Dim {{ color: {p.dim}; }}
    #Live {{ color: {p.live}; }}
    #SimulatedClock {{ border: 2px solid {p.live}; padding: 1px 7px; }}
    #Clock {{ padding: 2px 8px; }}
    QPushButton {{ background: {p.raised}; border: 1px solid {p.outline}; border-radius: 2px;
                   padding: 3px 9px; min-height: 16px; }}
    QPushButton:hover {{ border-color: {p.focus}; }}
    QPushButton:pressed {{ background: {p.fill}; }}
    QPushButton:focus {{ border: 2px solid {p.focus}; padding: 2px 8px; }}
    QPushButton:checked {{ background: {p.fill}; font-weight: 600; }}
    QPushButton:disabled {{ color: {p.line_second}; border-color: {p.edge}; }}
    QPushButton#Flat {{ background: transparent; border: 1px solid transparent; }}
    QPushButton#Flat:hover {{ border-color: {p.outline}; }}
    QPushButton#Flat:disabled {{ color: {p.line_second}; }}
    QPushButton#Horn[sounding="true"] {{ background: {p.text}; color: {p.raised}; font-weight: 600; }}
    QLineEdit {{ background: {p.raised}; border: 1px solid {p.outline}; border-radius: 2px; padding: 3px 6px;
                 selection-background-color: {p.focus}; selection-color: #FFFFFF; }}
    QLineEdit:focus {{ border: 2px solid {p.focus}; padding: 2px 5px; }}
    QComboBox {{ background: {p.raised}; border: 1px solid {p.outline}; border-radius: 2px; padding: 2px 6px; }}
    QComboBox::drop-down {{ border: none; width: 20px; }}
    QComboBox::down-arrow {{ image: url({_ARROW}); width: 10px; height: 10px; }}
    QComboBox QAbstractItemView {{ background: {p.raised}; border: 1px solid {p.outline}; }}
    QTreeView, QTableView, QListView {{ background: {p.panel}; border: none; outline: none;
        selection-background-color: {p.fill}; selection-color: {p.text}; gridline-color: {p.edge}; }}
    QTableView {{ alternate-background-color: {p.raised}; border: 1px solid {p.edge}; }}
    QTableView::item {{ padding: 0px 5px; }}
    QTreeView::item:selected, QListView::item:selected {{ background: {p.fill}; color: {p.text}; }}
    QTreeView::item:hover, QListView::item:hover {{ background: {p.raised}; }}
    QHeaderView::section {{ background: {p.panel}; color: {p.dim}; border: none; padding: 4px 8px;
        border-bottom: 1px solid {p.outline}; }}
    QScrollBar:vertical {{ background: {p.panel}; width: 11px; margin: 0; }}
    QScrollBar:horizontal {{ background: {p.panel}; height: 11px; margin: 0; }}
    QScrollBar::handle {{ background: {p.line_second}; border-radius: 3px; margin: 2px; min-height: 24px; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
    QMenu {{ background: {p.raised}; border: 1px solid {p.outline}; }}
    QMenu::item {{ padding: 4px 22px; }}
    QMenu::item:selected {{ background: {p.fill}; }}
    QMenu::item:disabled {{ color: {p.line_second}; }}
    QScrollArea {{ background: transparent; border: none; }}
    """
