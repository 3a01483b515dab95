"""The shell: top bar, banner, navigation, pages, faceplate, message line; and the keys.

Called by   ``hmi.app``; one per screen.
Knows       how to get from anything to anything: page, faceplate, trend, help. Pages are made once and kept.
"""

from collections.abc import Callable

from PySide6.QtGui import QCloseEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from hmi.model.displays import Display
from hmi.model.station import Station
from hmi.model.story import Act, Story
from hmi.theme.palette import Palette
from hmi.viewmodels.pens import pens_of
from hmi.viewmodels.places import Hit, Place, Trail, places, search
from hmi.viewmodels.sampler import Sampler

from .abnormal_page import AbnormalPage
from .alarm_page import AlarmPage
from .banner import Banner
from .drawing import DrawingPage
from .exercise_page import ExercisePage
from .faceplate import WIDTH as FACEPLATE_WIDTH
from .faceplate import Faceplate
from .group_page import GroupPage
from .journal_page import JournalPage
from .loop_check_dialog import LoopCheckDialog
from .message_line import MessageLine
from .navigation import Navigation
from .search import SearchBox
from .story_bar import StoryBar
from .system_page import SystemPage
from .top_bar import TopBar
from .trend_page import TrendPage


class MainWindow(QMainWindow):
    """One operator's screen."""

    def __init__(
        self,
        station: Station,
        sampler: Sampler,
        displays: list[Display],
        palette: Palette,
        story: Story | None = None,
    ) -> None:
        super().__init__()
        self.setWindowTitle(f"{station.title} — operator station")
        self._station, self._sampler, self._displays, self._palette = station, sampler, displays, palette
        self._places: list[Place] = []
        self._pages: dict[str, QWidget] = {}
        self._trail = Trail()
        self._checks: dict[str, LoopCheckDialog] = {}
        self.current = ""
        self.top = TopBar(station, sampler, palette)
        self.banner = Banner(station, sampler, palette)
        self.story = StoryBar(station, sampler, story) if story is not None else None
        self.navigation = Navigation(station, sampler, palette)
        self.stack = QStackedWidget()
        self.faceplate = Faceplate(station, sampler, palette)
        self.messages = MessageLine(station, sampler)
        self.search = SearchBox(self)
        self.alarm_page = AlarmPage(station, sampler, palette)
        self.trend_page = TrendPage(station, sampler, palette)
        self.system_page = SystemPage(station, sampler)
        self._add_page("trend", self.trend_page)
        self._add_page("alarms", self.alarm_page)
        self.abnormal_page = AbnormalPage(station, sampler)
        self._add_page("abnormal", self.abnormal_page)
        self._add_page("journal", JournalPage(station, sampler))
        self._add_page("system", self.system_page)
        self.exercise_page = ExercisePage(station, sampler)
        self._add_page("exercise", self.exercise_page)
        for display in displays:
            drawing = DrawingPage(station, sampler, display, palette, displays)
            drawing.opened.connect(self.open_faceplate)
            drawing.display_wanted.connect(lambda name: self.open_page(f"display:{name}"))
            drawing.trend_wanted.connect(lambda tag: self.open_trend(tag.rpartition(".")[0]))
            self._add_page(f"display:{display.name}", drawing)
        self._build()
        self._connect()
        self._bind_keys()
        self._on_layout()
        self.open_page(self._places[0].key)

    def _build(self) -> None:
        self._dock = QFrame()
        self._dock.setObjectName("FaceplateDock")
        self._dock.setFixedWidth(FACEPLATE_WIDTH + 2)
        dock_layout = QVBoxLayout(self._dock)
        dock_layout.setContentsMargins(1, 0, 0, 0)
        dock_layout.addWidget(self.faceplate)
        self._dock.hide()
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.navigation)
        middle.addWidget(self.stack, 1)
        middle.addWidget(self._dock)
        whole = QWidget()
        layout = QVBoxLayout(whole)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.top)
        layout.addWidget(self.banner)
        if self.story is not None:
            layout.addWidget(self.story)
        layout.addLayout(middle, 1)
        layout.addWidget(self.messages)
        self.setCentralWidget(whole)
        self.setMinimumSize(1180, 760)

    def _connect(self) -> None:
        self._sampler.layout.connect(self._on_layout)
        self.top.search_wanted.connect(self.open_search)
        self.top.health_clicked.connect(lambda: self.open_page("system"))
        self.top.silenced.connect(self._station.alarms.silence)
        self.top.back.connect(self.go_back)
        self.top.forward.connect(self.go_forward)
        self.banner.acknowledge.connect(self._station.acknowledge)
        self.banner.opened.connect(self.open_module)
        self.banner.trend_wanted.connect(self.open_trend)
        self.banner.help_wanted.connect(self.open_alarm_help)
        self.navigation.page_wanted.connect(self.open_page)
        self.navigation.module_wanted.connect(self.open_faceplate)
        self.faceplate.closed.connect(self.close_faceplate)
        self.faceplate.trend_wanted.connect(self.open_trend)
        self.faceplate.loop_check_wanted.connect(self.open_loop_check)
        self.alarm_page.opened.connect(self.open_module)
        self.abnormal_page.opened.connect(self.open_faceplate)
        self.trend_page.add_wanted.connect(self._search_pen)
        self.trend_page.opened.connect(self.open_faceplate)
        self.system_page.switchover.connect(self._station.switch_over)
        self.system_page.standby_out.connect(self._station.take_standby_out)
        self.system_page.standby_in.connect(self._station.bring_standby_back)
        if self.story is not None:
            self.story.opened.connect(self.show_act)

    def _bind_keys(self) -> None:
        keys: tuple[tuple[str, Callable[[], object]], ...] = (
            ("F1", self._key_help),
            ("F2", self.banner.setFocus),
            ("F3", self.open_search),
            ("Ctrl+K", self.open_search),
            ("F4", self._key_trend),
            ("F5", self._key_faceplate),
            ("F6", self._key_story),
            ("Alt+Left", self.go_back),
            ("Alt+Right", self.go_forward),
            ("Space", self._station.alarms.silence),
            ("Ctrl+A", self.acknowledge_page),
            ("Esc", self.close_faceplate),
        )
        self.shortcuts: dict[str, QShortcut] = {}
        for key, act in keys:
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.activated.connect(lambda act=act: act())
            self.shortcuts[key] = shortcut

    # --- pages --------------------------------------------------------------------------------------------
    def _add_page(self, key: str, page: QWidget) -> None:
        page.setObjectName("Page")
        self._pages[key] = page
        self.stack.addWidget(page)

    def _on_layout(self) -> None:
        """The plant has told (or changed) what it consists of: groups, tree and default pens follow."""
        wanted = places(self._station, self._displays)
        if wanted == self._places:
            return
        self._places = wanted
        for key in [key for key in self._pages if key.startswith("group:")]:
            page = self._pages.pop(key)
            self.stack.removeWidget(page)
            page.deleteLater()
        for place in wanted:
            if place.key.startswith("group:"):
                page = GroupPage(self._station, self._sampler, self._palette, place.modules)
                page.opened.connect(self.open_faceplate)
                self._add_page(place.key, page)
        if not self.trend_page.trend.tags:
            loops = [m.name for m in self._station.tags.modules.values() if m.kind == "loop"]
            names = [self._station.tags.modules[name].parts.get("PV", "") for name in loops]
            self.trend_page.trend.tags = [name for name in names if name][:4]
        self.navigation.show_places(wanted)
        # A plant without drawings opens on its first group, unless somebody has gone elsewhere meanwhile.
        if self.current not in self._pages or (not self._displays and self._trail.at_start):
            self.open_page(wanted[0].key)
        self.navigation.mark_current(self.current)

    def open_page(self, key: str) -> None:
        """Show a page and remember where we were."""
        if self._show(key):
            self._trail.visit(key)

    def _show(self, key: str) -> bool:
        page = self._pages.get(key)
        if page is None:
            return False
        self.stack.setCurrentWidget(page)
        self.current = key
        title = next((place.title for place in self._places if place.key == key), key)
        self.top.show_path(title)
        self.navigation.mark_current(key)
        return True

    def go_back(self) -> None:
        """The page before."""
        key = self._trail.back()
        if key:
            self._show(key)

    def go_forward(self) -> None:
        """The page after."""
        key = self._trail.forward()
        if key:
            self._show(key)

    # --- from anything to anything -------------------------------------------------------------------------
    def open_faceplate(self, module: str) -> None:
        """Faceplate of a module at the right; it survives page changes."""
        self._dock.show()
        self.faceplate.show_module(module)
        self.faceplate.focus_entry()

    def close_faceplate(self) -> None:
        """Take the faceplate away."""
        if self._dock.isVisible():
            self._dock.hide()
            self._pages[self.current].setFocus()

    def open_module(self, module: str) -> None:
        """The display that a module is on (its unit's rather than an overview), and its faceplate."""
        shown = [place for place in self._places if module in place.modules]
        if shown:
            self.open_page(next((place for place in shown if place.level == 2), shown[0]).key)
        self.open_faceplate(module)

    def open_trend(self, module: str) -> None:
        """Trend of a module: PV, SP, OUT."""
        self.trend_page.show_tags(pens_of(self._station, module))
        self.open_page("trend")

    def show_act(self, act: Act) -> None:
        """What an act of the story wants to be looked at."""
        if act.display:
            self.open_page(f"display:{act.display}")
        if act.trend:
            known = self._station.tags.modules
            tags = [tag for name in act.trend for tag in (pens_of(self._station, name) if name in known else (name,))]
            self.trend_page.show_tags(tuple(tags), fit=act.fit)
            self.open_page("trend")
        if act.faceplate:
            self.open_faceplate(act.faceplate)

    def open_alarm_help(self, alarm: str) -> None:
        """Consequence, cause and action of an alarm."""
        self.open_page("alarms")
        self.alarm_page.select(alarm)

    def open_search(self) -> None:
        """Ctrl-K: go to a page, a faceplate, or the faceplate of a tag."""
        self.search.ask(lambda words: search(self._station, self._places, words), self._go)

    def _go(self, hit: Hit) -> None:
        if hit.kind == "page":
            self.open_page(hit.key)
        elif hit.kind == "module":
            self.open_module(hit.key)
        else:
            self.open_faceplate(hit.key.rpartition(".")[0])

    def _search_pen(self) -> None:
        def find(words: str) -> list[Hit]:
            return [hit for hit in search(self._station, [], words or " ", 60) if hit.kind == "tag"] or [
                Hit("tag", name, name) for name in self._station.tags.names()
            ]

        self.search.ask(find, lambda hit: self._add_pen(hit.key))

    def _add_pen(self, tag: str) -> None:
        if not self.trend_page.add_tag(tag):
            self.messages.say(f"{tag} is shown already, or all pens are in use")

    # --- keys ---------------------------------------------------------------------------------------------
    def _focused_module(self) -> str:
        if self.banner.hasFocus() and self.banner.focused is not None:
            return self.banner.focused.module
        return self.faceplate.view.module

    def _key_help(self) -> None:
        row = self.banner.focused if self.banner.hasFocus() else None
        if row is None:
            row = next(iter(self._station.alarms.of_module(self._focused_module())), None) or self.banner.focused
        if row is not None:
            self.open_alarm_help(row.name)
        else:
            self.open_page("alarms")

    def _key_trend(self) -> None:
        module = self._focused_module()
        if module:
            self.open_trend(module)
        else:
            self.open_page("trend")

    def _key_faceplate(self) -> None:
        module = self._focused_module()
        if module:
            self.open_faceplate(module)

    def _key_story(self) -> None:
        if self.story is not None:
            self.story.toggle()

    def acknowledge_page(self) -> None:
        """Acknowledge what is listed: on the alarm page all of it, elsewhere the banner's rows."""
        if self.current == "alarms":
            self.alarm_page.acknowledge_page()
            return
        for row in self.banner.rows:
            if row.unacknowledged:
                self._station.acknowledge(row.name)

    def open_loop_check(self, module: str) -> LoopCheckDialog:
        """The loop check of a module: a new one, unless one runs."""
        dialog = self._checks.get(module)
        if dialog is None or not dialog.isVisible():
            if dialog is not None:
                dialog.deleteLater()
            dialog = LoopCheckDialog(self._station, self._sampler, self._palette, module, self)
            self._checks[module] = dialog
        dialog.show()
        dialog.raise_()
        return dialog

    def closeEvent(self, event: QCloseEvent) -> None:
        running = [dialog for dialog in self._checks.values() if dialog.isVisible() and not dialog.leave()]
        if running:  # output and mode are given back first; closing again leaves when that is done
            event.ignore()
            running[0].finished.connect(self.close)
            return
        self._sampler.stop()
        super().closeEvent(event)
        app = QApplication.instance()
        if app is not None:
            app.quit()
